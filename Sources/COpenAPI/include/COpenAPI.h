#ifndef COPENAPI_H
#define COPENAPI_H

/// The text of openapi.yaml, as it was when the binary was built. Not terminated.
const unsigned char *openapi_document(void);
unsigned long openapi_document_size(void);

#endif
