/* A log line back into the event it was made from: shows that no value can forge a line, and lets
 * whoever searches the logs work with values instead of texts.
 *
 * Pure functions, any thread, linear time in the line's length times the template's parts. */
#ifndef POSTERN_TRACE_PARSE_H
#define POSTERN_TRACE_PARSE_H

#include "trace/event.h"

/* LINE without its line feed, in the time zone of trace_zone_set. The record has what the text line
 * holds: fields that its template does not name are zero or empty, the time is whole seconds. NULL
 * when it is not a line of this event. */
struct trace_record *trace_parse_text(enum trace_event event, struct slice line) MUST_CHECK;
/* The whole record. NULL when it is not a line that trace_render_json writes. */
struct trace_record *trace_parse_json(struct slice line) MUST_CHECK;
/* Does the text line name this field? */
bool trace_text_has_field(enum trace_event event, size_t field);

#endif
