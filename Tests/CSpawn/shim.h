#include <spawn.h>

// glibc (2.34) declares it to those that ask for its extensions only, which Swift's own module doesn't.
extern int posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int from);
