-- The tables of FlowForge, as SQLite takes them. Made from
-- core/model/records.c; FF_RENEW=1 with the model's tests renews it.

CREATE TABLE run (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id TEXT NOT NULL,
    project INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'running' OR state = 'cancelling' OR state = 'succeeded' OR state = 'failed' OR state = 'cancelled'),
    reason TEXT,
    message TEXT,
    inputs TEXT NOT NULL,
    dir TEXT,
    outputs TEXT,
    cancel TEXT NOT NULL CHECK (cancel = 'no' OR cancel = 'gracefully' OR cancel = 'kill'),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    labels TEXT,
    schedule TEXT,
    nominal_at INTEGER,
    event TEXT,
    parent_run INTEGER,
    parent_node INTEGER,
    parent_attempt INTEGER,
    entry TEXT,
    depth INTEGER,
    scope TEXT,
    pins TEXT,
    reset TEXT,
    priority INTEGER,
    no_cache INTEGER,
    root INTEGER,
    paused TEXT,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX run_id ON run (tenant, id);

CREATE TABLE open_run (
    shard INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (shard, tenant, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow (
    tenant INTEGER NOT NULL,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    path TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    node INTEGER NOT NULL,
    version INTEGER NOT NULL,
    task TEXT NOT NULL,
    item INTEGER,
    state TEXT NOT NULL CHECK (state = 'waiting' OR state = 'queued' OR state = 'running' OR state = 'retrying' OR state = 'succeeded' OR state = 'failed' OR state = 'skipped' OR state = 'cancelled' OR state = 'suspended'),
    attempt INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    exit_code INTEGER,
    reason TEXT,
    message TEXT,
    outputs TEXT,
    items INTEGER,
    due_at INTEGER,
    queued_at INTEGER,
    started_at INTEGER,
    finished_at INTEGER,
    attempt_base INTEGER,
    iteration INTEGER,
    awaits TEXT,
    deadline_at INTEGER,
    PRIMARY KEY (tenant, run, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    position INTEGER,
    PRIMARY KEY (tenant, run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_position ON event (tenant, position);

CREATE TABLE log (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    node INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    version INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, run, node, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    shard INTEGER NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (shard, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE shard (
    shard INTEGER NOT NULL,
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    owner TEXT,
    endpoint TEXT,
    lease_until INTEGER NOT NULL,
    place TEXT,
    address TEXT,
    since INTEGER,
    mixed INTEGER,
    low INTEGER,
    high INTEGER,
    PRIMARY KEY (shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE knock (
    shard INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE executor (
    shard INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_version (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    label TEXT,
    dir TEXT,
    created_at INTEGER NOT NULL,
    project INTEGER,
    PRIMARY KEY (tenant, name, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_label (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    place INTEGER NOT NULL,
    version INTEGER NOT NULL,
    run INTEGER NOT NULL,
    node INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_run ON slot (tenant, run);

CREATE TABLE rate_token (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    place INTEGER NOT NULL,
    version INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE limit_size (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    kind TEXT NOT NULL,
    spec TEXT NOT NULL,
    hash TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    dir TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    paused_at INTEGER,
    last_at INTEGER NOT NULL,
    next_at INTEGER,
    active_run INTEGER,
    waiting TEXT,
    last_run TEXT,
    held_at INTEGER,
    held_since INTEGER,
    project INTEGER,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule_run (
    tenant INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    nominal_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state = 'started' OR state = 'waiting' OR state = 'skipped' OR state = 'missed' OR state = 'failed'),
    cause TEXT NOT NULL,
    run INTEGER,
    run_id TEXT,
    reason TEXT,
    message TEXT,
    event TEXT,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, schedule, nominal_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE backfill (
    tenant INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state = 'running' OR state = 'done' OR state = 'stopped'),
    from_at INTEGER NOT NULL,
    below_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    max_parallel INTEGER NOT NULL,
    active TEXT,
    n_started INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (tenant, schedule, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE occurrence (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    run INTEGER,
    body TEXT,
    at INTEGER NOT NULL,
    project INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE child_run (
    tenant INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    node INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    version INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (tenant, parent, node, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE cache (
    tenant INTEGER NOT NULL,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    task TEXT NOT NULL,
    cache_key TEXT NOT NULL,
    outputs TEXT,
    run_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    artifacts TEXT,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE signal (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT,
    body TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, run, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_wait (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    run INTEGER NOT NULL,
    node INTEGER NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, key, run, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
    tenant INTEGER NOT NULL,
    run INTEGER NOT NULL,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, run, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_hash ON artifact (tenant, hash);

CREATE TABLE queue_pause (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    paused_at INTEGER NOT NULL,
    paused_by TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_outline (
    tenant INTEGER NOT NULL,
    hash TEXT NOT NULL,
    entry TEXT NOT NULL,
    part INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, hash, entry, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
    tenant INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    max_projects INTEGER,
    max_members INTEGER,
    max_keys INTEGER,
    max_open_runs INTEGER,
    max_requests_per_s INTEGER,
    weight INTEGER,
    max_running INTEGER,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenant_name ON tenant (name);

CREATE TABLE project (
    tenant INTEGER NOT NULL,
    project INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    weight INTEGER,
    PRIMARY KEY (tenant, project)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_name ON project (tenant, name);

CREATE TABLE member (
    tenant INTEGER NOT NULL,
    project INTEGER NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role = 'none' OR role = 'viewer' OR role = 'operator' OR role = 'author' OR role = 'admin'),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, project, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role = 'none' OR role = 'viewer' OR role = 'operator' OR role = 'author' OR role = 'admin'),
    project INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT,
    last_used_at INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_id ON api_key (id);

CREATE TABLE session (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT,
    role TEXT NOT NULL CHECK (role = 'none' OR role = 'viewer' OR role = 'operator' OR role = 'author' OR role = 'admin'),
    here_only INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_id ON session (id);
CREATE INDEX session_subject ON session (tenant, subject);
CREATE INDEX session_expires_at ON session (expires_at);

CREATE TABLE idempotency (
    tenant INTEGER NOT NULL,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    principal TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE audit (
    tenant INTEGER NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    via TEXT NOT NULL,
    origin TEXT,
    request TEXT,
    project INTEGER,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision = 'allowed' OR decision = 'denied'),
    detail TEXT,
    PRIMARY KEY (tenant, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_open (
    tenant INTEGER NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_seal (
    tenant INTEGER NOT NULL,
    no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    rows TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant, no)
) STRICT, WITHOUT ROWID;
