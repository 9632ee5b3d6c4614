/* Where the focus goes, what is announced, what the tab is called. */
import { hostName } from './session.js';

let pending = '';
let title = '';

/** Says a short sentence to screen readers, without moving the focus. */
export function announce(text) {
  const place = document.querySelector('#announcer');
  place.textContent = '';
  setTimeout(() => {
    place.textContent = text;
  }, 50); /* a reader notices a change, not a text that was there already */
}

function draw() {
  document.title = `${pending}${title} - ${hostName()}`;
}

/** The page's name in the tab. */
export function setTitle(text) {
  title = text;
  draw();
}

/** An asterisk before the tab's name while changes are pending. */
export function markPending(is) {
  pending = is ? '* ' : '';
  draw();
}

/** After a change of page the focus is at the top of its content, as after loading a document. */
export function focusMain() {
  const main = document.querySelector('#main');
  main?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Focus and scroll to an element if it is there. */
export function focusOn(element) {
  if (!element) return false;
  element.scrollIntoView({ block: 'center' });
  element.focus({ preventScroll: true });
  return true;
}

let count = 0;
/** An id for label, description and control that no other has. */
export const uniqueId = (word) => `${word}-${++count}`;
