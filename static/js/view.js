/* Drawing: a template function bound to a root.
 *
 *   const update = view(root, () => html`…`);   draws at once
 *   update();                                    draws again, once a microtask however often called
 *
 * State lives in the variables that the template reads; whoever changes them calls update(). There is
 * no other machinery: no observers, no components with a life of their own. A widget (ui/form.js,
 * ui/table.js) is an object with a template() and is handed its page's update(). */
import { render, nothing } from '../vendor/lit.js';

/**
 * @param {HTMLElement} root
 * @param {() => unknown} template
 * @returns {(() => void) & {end: () => void}} update; update.end() empties the root and stops it
 */
export function view(root, template) {
  let queued = false;
  let ended = false;
  const draw = () => {
    queued = false;
    if (!ended) render(template(), root);
  };
  const update = () => {
    if (queued || ended) return;
    queued = true;
    queueMicrotask(draw);
  };
  update.end = () => {
    ended = true;
    render(nothing, root);
  };
  draw();
  return update;
}
