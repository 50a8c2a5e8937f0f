-- name: lock_head
-- Plans are made afresh in this transaction: a plan kept from when the tables were empty would scan
-- them whole for as long as the session lives.
SELECT generation, chain_seq, chain_hash,
    set_config('plan_cache_mode', 'force_custom_plan', true) IS NOT NULL
FROM ops.chain_heads
WHERE account_id = %(account_id)s FOR UPDATE;

-- name: renew_lease
UPDATE ops.leases SET expires_at = %(expires_at)s
WHERE account_id = %(account_id)s AND stream = %(stream)s AND fence = %(fence)s
RETURNING fence;

-- name: move_head
UPDATE ops.chain_heads SET chain_seq = %(seq)s, chain_hash = %(hash)s
WHERE account_id = %(account_id)s;

-- name: find_lease
SELECT fence, holder, expires_at FROM ops.leases
WHERE account_id = %(account_id)s AND stream = %(stream)s FOR UPDATE;

-- name: lock_lease
-- No row: it is gone, or a write that renews it, or somebody who takes it, holds it now.
SELECT fence, expires_at FROM ops.leases
WHERE account_id = %(account_id)s AND stream = %(stream)s FOR UPDATE SKIP LOCKED;

-- name: new_lease
INSERT INTO ops.leases (account_id, stream, fence, holder, expires_at)
VALUES (%(account_id)s, %(stream)s, 1, %(holder)s, %(expires_at)s)
ON CONFLICT DO NOTHING
RETURNING fence;

-- name: take_lease
UPDATE ops.leases SET fence = fence + 1, holder = %(holder)s, expires_at = %(expires_at)s
WHERE account_id = %(account_id)s AND stream = %(stream)s
RETURNING fence;

-- name: give_back_lease
UPDATE ops.leases SET expires_at = %(now)s
WHERE account_id = %(account_id)s AND stream = %(stream)s AND fence = %(fence)s;
