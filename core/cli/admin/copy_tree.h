/* cli/admin/copy_tree.h - copies folders of files that are never changed once written.
 */
#ifndef CLI_ADMIN_COPY_TREE_H
#define CLI_ADMIN_COPY_TREE_H

#include <flowforge/base.h>

/* Every file below `from` also stands below `to`: as a hard link where the file system
 * allows it, else as a synced copy. What vanishes meanwhile is left out; links are not
 * followed. n_files counts up. FF_OK, or a code with the file's name. */
int copy_tree(const char *from, const char *to, int64_t *n_files, struct ff_err *err);

#endif
