#ifndef CCONSOLE_H
#define CCONSOLE_H

/// A file of the console, as it was when the binary was built.
struct console_file {
    /// Below `/console/`.
    const char *path;
    const unsigned char *bytes;
    unsigned long size;
};

const struct console_file *console_files(void);
unsigned long console_file_count(void);

#endif
