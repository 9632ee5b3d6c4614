/* Which operation of openapi.json a request is. */
import fs from 'node:fs';
import path from 'node:path';
import { API, ROOT } from './gateway.mjs';

const { paths } = JSON.parse(fs.readFileSync(path.join(ROOT, 'api', 'openapi.json'), 'utf8'));

const rows = Object.entries(paths)
  .flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp('^' + template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{[^}]*\}/g, '[^/]+') + '$'),
      variables: template.split('{').length - 1,
      operation,
    })))
  // The more exact path first, as in the daemon.
  .sort((a, b) => a.variables - b.variables);

/** The operation, or null: there is none that programs may count on. */
export function findOperation(method, pathname) {
  if (!pathname.startsWith(API + '/')) return null;
  const below = pathname.slice(API.length);
  const found = rows.find((row) => row.method === method && row.pattern.test(below));
  return found === undefined || found.operation['x-internal'] ? null : found.operation;
}

export const operationCount = rows.length;
