#include "COpenAPI.h"

// `#embed` rather than SwiftPM's `.embedInCode`, whose array literal costs the Swift compiler a
// minute for a file of this size.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char document[] = {
#embed "openapi.yaml"
};

const unsigned char *openapi_document(void) { return document; }

unsigned long openapi_document_size(void) { return sizeof document; }
