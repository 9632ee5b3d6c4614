/* Makes the report that a notice asks for and sends it on its way as an ordinary message.
 *
 * notice -> worker: bounce_compose -> spool -> durable -> delivery_add(report), delivery_reported.
 * Called on the home loop; never blocks it. */
#ifndef POSTERN_ENGINE_BOUNCER_H
#define POSTERN_ENGINE_BOUNCER_H

struct bounce_notice;
struct delivery;
struct loop;

/* Takes over NOTICE; delivery_reported follows in a later turn on HOME. */
void bouncer_send(struct delivery *delivery, struct loop *home, struct bounce_notice *notice);

#endif
