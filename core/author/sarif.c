/* Findings as SARIF 2.1.0 (OASIS): what services that show code review read. */
#include "author/author.h"

static json_t *rule_json(const struct author_rule *rule)
{
    char id[16];
    char uri[128];

    snprintf(id, sizeof(id), "FF%d", rule->id);
    snprintf(uri, sizeof(uri), "docs/lint.md#ff%d", rule->id);
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:s}", "id", id, "name",
                     rule->name, "shortDescription", "text", rule->title,
                     "fullDescription", "text", rule->why, "defaultConfiguration",
                     "level", author_severity_names[rule->severity], "helpUri", uri);
}

static json_t *result_json(const char *path, const struct author_finding *f)
{
    char id[16];

    snprintf(id, sizeof(id), "FF%d", f->rule->id);
    return json_pack("{s:s, s:i, s:s, s:{s:s}, s:[{s:{s:{s:s}, s:{s:i, s:i}}}]}",
                     "ruleId", id, "ruleIndex", (int)(f->rule - author_rules), "level",
                     author_severity_names[f->rule->severity], "message", "text",
                     f->msg, "locations", "physicalLocation", "artifactLocation", "uri",
                     path, "region", "startLine", f->line, "startColumn", f->column);
}

json_t *author_sarif(const struct author_linted *files, size_t n, const char *version)
{
    json_t *rules = json_array();
    json_t *results = json_array();

    for (const struct author_rule *rule = author_rules; rule->id; rule++)
        json_array_append_new(rules, rule_json(rule));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < files[i].found->n; k++)
            json_array_append_new(
                results, result_json(files[i].path, &files[i].found->items[k]));
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "version",
                     "2.1.0", "$schema",
                     "https://json.schemastore.org/sarif-2.1.0.json", "runs", "tool",
                     "driver", "name", "flowforge", "version", version, "rules", rules,
                     "columnKind", "unicodeCodePoints", "results", results);
}
