#include "support.h"

#include <string.h>

static int visit(const char *path, const char *ending, file_fn *fn);

static int visit_entry(const char *dir, const char *name, const char *ending,
                       file_fn *fn)
{
    MEM_AUTO char *path = file_join(dir, name);
    const size_t n = strlen(name);
    const size_t k = strlen(ending);

    if (name[0] == '.')
        return 0;
    DIR *sub = file_open_dir(path);
    if (sub) {
        closedir(sub);
        return visit(path, ending, fn);
    }
    struct buf text = {0};
    int used = 0;
    if (n >= k && strcmp(name + n - k, ending) == 0 &&
        file_read(path, 1 << 20, &text) == 0) {
        fn(path, buf_text(&text), text.len);
        used = 1;
    }
    buf_done(&text);
    return used;
}

static int visit(const char *path, const char *ending, file_fn *fn)
{
    DIR *dir = file_open_dir(path);
    int n = 0;

    for (struct dirent *e; dir && (e = readdir(dir));)
        n += visit_entry(path, e->d_name, ending, fn);
    if (dir)
        closedir(dir);
    return n;
}

int for_each_file(file_fn *fn)
{
    return visit(FF_TEST_DIR "/../../../examples", ".yaml", fn) +
           visit(FF_TEST_DIR "/../../fuzz/corpus/workflow", "", fn);
}

/* --- plans --- */

static void dump_value(struct buf *out, const struct flow_value *v)
{
    if (v->constant) {
        json_add_to(out, v->constant);
    } else if (v->nested) {
        buf_add_char(out, v->nested->is_map ? '{' : '[');
        for (uint32_t i = 0; i < v->nested->n; i++) {
            const struct flow_pair *pair = &v->nested->items[i];
            buf_printf(out, "%s=", pair->name ? pair->name : "");
            dump_value(out, &pair->value);
        }
        buf_add_char(out, '}');
    } else if (v->tmpl) {
        buf_printf(out, "template(%d)", (int)tmpl_uses_now(v->tmpl));
    }
}

static void dump_pairs(struct buf *out, const char *what, const struct flow_pair *pairs,
                       uint32_t n)
{
    buf_printf(out, "  %s:", what);
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(out, " %s=", pairs[i].name);
        dump_value(out, &pairs[i].value);
    }
    buf_add_char(out, '\n');
}

static void dump_run_outputs(struct buf *out, const struct flow *f)
{
    buf_add_text(out, "  outputs:");
    for (uint32_t i = 0; i < f->n_outputs; i++) {
        const struct flow_input *declared = f->outputs[i].declared;
        buf_printf(out, " %s(%d %d)=", f->outputs[i].name,
                   declared ? (int)declared->type : -1,
                   declared ? declared->required : -1);
        dump_value(out, &f->outputs[i].value);
    }
    buf_add_char(out, '\n');
}

static void dump_work(struct buf *out, const struct flow_work *w)
{
    buf_printf(out, "  kind %d lang %d text %s file %s by %s if %d all %d fast %d\n",
               (int)w->kind, (int)w->lang, w->text ? w->text : "-",
               w->file ? w->file : "-", w->interpreter ? w->interpreter : "-",
               w->condition != NULL, w->needs_all, w->fail_fast);
    buf_printf(out, "  %s max_parallel %lld\n", w->description ? w->description : "-",
               (long long)w->max_parallel);
    for (uint32_t i = 0; i < w->n_argv; i++)
        dump_value(out, &w->argv[i]);
    const struct flow_value *const values[] = {w->input, w->dir, w->foreach};
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (values[i])
            dump_value(out, values[i]);
    dump_pairs(out, "env", w->env, w->n_env);
    for (uint32_t i = 0; i < w->n_outputs; i++)
        buf_printf(out, "  output %s %d %d %d %s\n", w->outputs[i].name,
                   (int)w->outputs[i].from, (int)w->outputs[i].as,
                   w->outputs[i].optional, w->outputs[i].file);
}

static void dump_policy(struct buf *out, const struct flow_policy *p)
{
    buf_printf(out, "  retry %lld %lld %lld %d %g %g %u\n",
               (long long)p->retry.max_attempts, (long long)p->retry.delay_us,
               (long long)p->retry.max_delay_us, (int)p->retry.backoff, p->retry.factor,
               p->retry.jitter, p->retry.on);
    buf_printf(out, "  %lld %lld %lld cpu %lld mem %lld queue %s %lld\n",
               (long long)p->timeout_us, (long long)p->queue_timeout_us,
               (long long)p->grace_us, (long long)p->cpu_milli,
               (long long)p->memory_bytes, p->queue, (long long)p->priority);
}

char *dump_plan(const struct flow *f)
{
    struct buf out = {0};

    buf_printf(&out, "%s %s %lld %lld\n", f->name,
               f->description ? f->description : "-", (long long)f->timeout_us,
               (long long)f->parallelism);
    for (uint32_t i = 0; i < f->n_inputs; i++) {
        const struct flow_input *in = &f->inputs[i];
        buf_printf(&out, "input %s %d %d %s %g %g", in->name, (int)in->type,
                   in->required, in->pattern ? in->pattern : "-", in->min, in->max);
        if (in->fallback)
            json_add_to(&out, in->fallback);
        buf_add_char(&out, '\n');
    }
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        const struct flow_task *t = &f->tasks[i];
        buf_printf(&out, "task %s part %u needs", t->name, t->part);
        for (uint32_t k = 0; k < t->n_needs; k++)
            buf_printf(&out, " %u", t->needs[k]);
        buf_add_char(&out, '\n');
        dump_work(&out, t->work);
        dump_policy(&out, t->policy);
    }
    dump_run_outputs(&out, f);
    return out.len > 0 ? buf_take(&out) : mem_text("");
}
