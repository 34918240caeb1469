-- The queue database (FORMATS section 2).
CREATE TABLE queue_items (
    id TEXT PRIMARY KEY NOT NULL,
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    task TEXT NOT NULL,
    success_criteria TEXT NOT NULL,
    owner_session TEXT NOT NULL DEFAULT '-',
    started_at_kst TEXT NOT NULL DEFAULT '-',
    due_at_kst TEXT NOT NULL DEFAULT '-',
    notes TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    lease_owner TEXT,
    lease_expires_at INTEGER,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    idempotency_key TEXT,
    last_error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX idx_queue_items_status_priority ON queue_items (status, priority);
CREATE INDEX idx_queue_items_updated_at ON queue_items (updated_at);
CREATE INDEX idx_queue_items_lease_expires_at ON queue_items (lease_expires_at);
CREATE INDEX idx_queue_items_idempotency_key ON queue_items (idempotency_key);

CREATE TABLE queue_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id TEXT REFERENCES queue_items (id) ON DELETE CASCADE,
    event_type TEXT,
    payload_json TEXT,
    created_at TEXT
);
