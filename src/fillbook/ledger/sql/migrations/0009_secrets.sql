-- Keys of venues, sealed; what the venue said a key may do; why an account does not run.

-- active, paused (by its owner), stopped (by a key check), removed (its key is gone).
ALTER TABLE ops.accounts ADD COLUMN state_reason text NOT NULL DEFAULT '';

-- Key and secret of an account, sealed with AES-256-GCM: a nonce of 12 bytes, then the ciphertext
-- with its tag. Bound into the seal: the account, its venue and environment, base_url, may_trade.
CREATE TABLE ops.secrets (
    account_id   bigint      NOT NULL PRIMARY KEY,
    base_url     text        NOT NULL,   -- empty: the venue's own address
    may_trade    boolean     NOT NULL,   -- its owner said that a key that can trade may be used
    fingerprint  text        NOT NULL,   -- of the venue's key, without giving it away
    key_id       text        NOT NULL,   -- which secrets key seals this row
    sealed       bytea       NOT NULL,
    stored_at    timestamptz NOT NULL
);

-- What a venue said about a key, each day and whenever it says something else.
CREATE TABLE ops.key_checks (
    account_id    bigint      NOT NULL,
    check_id      uuid        NOT NULL,
    checked_at    timestamptz NOT NULL,
    fingerprint   text        NOT NULL,
    source        text        NOT NULL,   -- stored, environment
    can_trade     boolean     NOT NULL,
    can_withdraw  boolean     NOT NULL,
    expires_on    date,                   -- NULL: it does not expire, or the venue does not say
    is_bound      boolean     NOT NULL,   -- to addresses
    account_kind  text        NOT NULL,
    PRIMARY KEY (account_id, check_id),
    CHECK (source IN ('stored', 'environment'))
);
CREATE INDEX key_checks_by_time ON ops.key_checks (account_id, checked_at);
