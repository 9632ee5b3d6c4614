/* What the server knows of a certificate besides its settings: its member `status`, which is read
 * and never written. */
#ifndef POSTERN_API_CERTIFICATE_STATUS_H
#define POSTERN_API_CERTIFICATE_STATUS_H

#include "api/call.h"

/* OBJECT as the section has it, DOCUMENT the configuration it is in (config/overlay.h): which names
 * and dates its chains have, how they are built, who uses it. A new reference. */
json_t *certificate_status(struct api_call *call, const json_t *object, const json_t *document);

#endif
