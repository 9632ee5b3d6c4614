/* What the schema cannot know of a section, for the pages drawn from it. Everything is optional; a
 * section that is not here has its columns and its form in the order of its rows.
 *
 *   columns   rows that the table shows besides the key, in order
 *   groups    form: [title key, [row keys]]; rows that no group names come last
 *   inherit   {from, empty}: an object whose row has the value in `empty` takes that of object `from`
 *   fixed     keys of objects that can be changed but not deleted or moved
 *   ladders   rows whose words are chosen from a ladder that explains each (ui/ladder.js)
 *   add       catalogue key of the button that makes a new one, in the vendor's words */
export const SECTIONS = {
  system: {
    groups: [['group.identity', ['hostname', 'timezone']]],
  },
  dns: {
    groups: [
      ['group.resolvers', ['forwarders', 'trust_anchor_file']],
      ['group.zones', ['unblock_lan_zones', 'local_zones_removed']],
    ],
  },
  delivery: {
    groups: [
      ['group.connection', ['interface', 'smtp_port', 'max_connections']],
      ['group.tls', ['certificate']],
      ['group.safety', ['next_hop_deny']],
    ],
  },
  interfaces: {
    columns: ['address', 'hostname', 'https', 'https_port', 'https_certificate'],
    groups: [
      ['group.identity', ['name', 'address', 'hostname']],
      ['group.https', ['https', 'https_port', 'https_certificate']],
      ['group.http', ['http_redirect', 'http_port']],
    ],
    add: 'action.add_interface',
  },
  listeners: {
    columns: ['type', 'interface', 'port', 'certificate', 'max_connections'],
    groups: [
      ['group.address', ['name', 'type', 'interface', 'port']],
      ['group.tls', ['certificate']],
      ['group.limits', ['max_connections', 'bounce_profile']],
    ],
    add: 'action.add_listener',
  },
  'sender-groups': {
    columns: ['senders', 'policy', 'comment'],
    groups: [['', ['listener', 'name', 'policy', 'comment']], ['', ['senders']]],
    fixed: ['ALL'],
    add: 'action.add_sender_group',
  },
  'mail-flow-policies': {
    columns: ['action', 'tls', 'max_message_size', 'max_messages_per_connection', 'max_connections_per_ip'],
    groups: [
      ['', ['name', 'action']],
      ['group.tls', ['tls']],
      ['group.limits', ['max_message_size', 'max_messages_per_connection', 'max_recipients_per_message', 'max_connections_per_ip']],
      ['group.replies', ['banner_text', 'reject_code', 'reject_text']],
    ],
    ladders: ['tls'],
    add: 'action.add_policy',
  },
  rat: {
    columns: ['action', 'reply_code', 'reply_text'],
    groups: [['', ['listener', 'recipient', 'action']], ['group.replies', ['reply_code', 'reply_text']]],
    fixed: ['ALL'],
    add: 'action.add_recipient',
  },
  'destination-controls': {
    columns: ['tls', 'max_connections', 'max_messages_per_connection', 'bounce_profile'],
    groups: [
      ['', ['domain']],
      ['group.tls', ['tls']],
      ['group.limits', ['max_connections', 'max_messages_per_connection']],
      ['group.failure', ['bounce_profile']],
    ],
    ladders: ['tls'],
    inherit: { from: 'Default', empty: { tls: 'default', max_connections: 0, max_messages_per_connection: 0, bounce_profile: '' } },
    fixed: ['Default'],
    add: 'action.add_destination',
  },
  'smtp-routes': { columns: ['targets'], add: 'action.add_route' },
  'bounce-profiles': {
    columns: ['max_retries', 'max_time_in_queue_s', 'initial_retry_s', 'max_retry_s', 'send_bounces'],
    groups: [
      ['', ['name']],
      ['group.retries', ['max_retries', 'max_time_in_queue_s', 'initial_retry_s', 'max_retry_s']],
      ['group.reports', ['send_bounces']],
    ],
    fixed: ['Default'],
    add: 'action.add_bounce_profile',
  },
  certificates: { columns: ['keys'], add: 'action.add_certificate' },
  'trust-lists': { columns: ['type'], add: 'action.add_list' },
};

export const hintsOf = (section) => SECTIONS[section] || {};

/** Rows of a section in the groups of its form: [{title, rows}] */
export function groupsOf(section) {
  const hints = hintsOf(section.name);
  const named = (hints.groups || []).map(([title, keys]) => ({
    title,
    rows: keys.map((key) => section.rows.find((row) => row.key === key)).filter(Boolean),
  }));
  const used = new Set(named.flatMap((group) => group.rows));
  const rest = section.rows.filter((row) => !used.has(row));
  return rest.length === 0 ? named : [...named, { title: '', rest: true, rows: rest }];
}

/** Rows that are columns of the section's table; its key's column comes first. */
export function columnsOf(section) {
  const keys = hintsOf(section.name).columns || section.rows.map((row) => row.key).filter((key) => key !== 'listener');
  const rows = keys.map((key) => section.rows.find((row) => row.key === key));
  return rows.filter((row) => row && row.key !== section.key);
}

/** The value that an object without one of its own takes for a row, or undefined. */
export function inheritedOf(sectionName, row, value, key, from) {
  const { inherit } = hintsOf(sectionName);
  if (!inherit || !from || key === inherit.from || !(row.key in inherit.empty)) return undefined;
  return value === inherit.empty[row.key] ? from[row.key] : undefined;
}
