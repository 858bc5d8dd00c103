/*
 * What the filter asks of Envoy: those functions of its ABI for dynamic modules that are called here, and no others. Envoy's
 * program exports them. They were compared with Envoy 1.40, whose ABI calls itself v0.2.0.
 */
#ifndef TENANTROUTES_ENVOYMODULE_H
#define TENANTROUTES_ENVOYMODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text without NUL behind it, Envoy's or ours: whoever gets one copies what he keeps. */
typedef struct {
    const char *start;
    size_t count;
} tr_envoy_text;

typedef struct {
    tr_envoy_text name;
    tr_envoy_text value;
} tr_envoy_field;

enum {
    /* Of the four sets of fields that a request and its answer have. */
    TR_ENVOY_REQUEST_FIELDS = 0,
    /* What becomes of a request whose fields were seen. */
    TR_ENVOY_CONTINUE = 0,
    TR_ENVOY_STOP = 1,
    TR_ENVOY_LOG_WARNING = 3,
    TR_ENVOY_LOG_ERROR = 4
};

void envoy_dynamic_module_callback_log(unsigned int level, tr_envoy_text message);

/* *value is good until a field is set. *count, if it isn't NULL, gets how many fields have the name. False: there's none. */
bool envoy_dynamic_module_callback_http_get_header(
    void *request, unsigned int fields, tr_envoy_text name, tr_envoy_text *value, size_t index, size_t *count);

/* Takes the place of all fields of the name. */
bool envoy_dynamic_module_callback_http_set_header(
    void *request, unsigned int fields, tr_envoy_text name, tr_envoy_text value);

/* The route is chosen anew, by the fields as they are then. */
void envoy_dynamic_module_callback_http_clear_route_cache(void *request);

/* Answers in the place of the application. reason is for Envoy's access log. */
void envoy_dynamic_module_callback_http_send_response(
    void *request, uint32_t status, tr_envoy_field *fields, size_t count, tr_envoy_text body, tr_envoy_text reason);

#endif
