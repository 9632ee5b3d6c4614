/* openapi.json, OpenAPI 3.1: rendered from the routes table, the parameters, the sections' rows and
 * components.json (the other schemas). The committed api/openapi.json must equal it. */
#ifndef POSTERN_API_OPENAPI_H
#define POSTERN_API_OPENAPI_H

/* Sorted, indented, with a final newline; the caller frees it. */
char *openapi_render(void);

#endif
