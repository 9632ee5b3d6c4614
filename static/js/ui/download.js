/* A text as a file on the reader's computer. */

/** "postern-mx1.example.com-2026-11-24.json" */
export function fileName(host, kind = '', now = new Date()) {
  const safe = host.replace(/[^A-Za-z0-9.-]/g, '_');
  const day = [now.getFullYear(), String(now.getMonth() + 1).padStart(2, '0'), String(now.getDate()).padStart(2, '0')].join('-');
  return `postern-${safe}-${day}${kind && '-' + kind}.json`;
}

export function saveFile(name, text, type = 'application/json') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); /* the browser reads it when it likes */
}
