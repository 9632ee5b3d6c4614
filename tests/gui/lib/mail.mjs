/* Mail, as a host sends it that does not encrypt. */
import net from 'node:net';
import readline from 'node:readline';

/** @param {{port: number, sender: string, recipients: string[], subject: string, helo?: string}} given */
export async function sendMail({ port, sender, recipients, subject, helo = 'client.example' }) {
  const socket = net.connect({ host: '127.0.0.1', port });
  const lines = readline.createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async (wanted) => {
    for (;;) {
      const { value = 'nothing' } = await lines.next();
      if (/^\d{3}-/.test(value)) continue;
      if (!value.startsWith(wanted)) throw new Error(`SMTP: ${value} instead of ${wanted}`);
      return;
    }
  };
  const say = async (line, wanted) => {
    socket.write(`${line}\r\n`);
    await reply(wanted);
  };
  await reply('220');
  await say(`EHLO ${helo}`, '250');
  await say(`MAIL FROM:<${sender}>`, '250');
  for (const each of recipients) await say(`RCPT TO:<${each}>`, '250');
  await say('DATA', '354');
  await say(`Subject: ${subject}\r\n\r\ntext\r\n.`, '250');
  await say('QUIT', '221');
  socket.destroy();
}
