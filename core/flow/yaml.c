/* yaml.c - YAML texts beside a workflow as plain values. */
#include "flow/tree.h"

json_t *flow_yaml(const char *text, size_t len, struct flow_problems *problems)
{
    const size_t before = problems->n;
    json_t *value = NULL;
    struct tree tree;

    if (tree_read(&tree, text, len, problems) && problems->n == before)
        value = tree_json(&tree.root);
    tree_done(&tree);
    return value;
}
