-- name: stretches
-- The time in which the account log is read.
SELECT lower(p.piece), upper(p.piece)
FROM (SELECT range_agg(read) AS pieces FROM derived.coverage
      WHERE account_id = %(account_id)s AND split_part(stream, '.', 1) = 'account_log') AS log
CROSS JOIN LATERAL unnest(log.pieces) AS p (piece);

-- name: lines_around
-- The lines of a window, coin by coin, from the last instant before it to the first one after it.
WITH coins AS (
    SELECT DISTINCT currency FROM facts.log_entries
    WHERE account_id = %(account_id)s AND occurred_at >= %(starts_at)s
      AND occurred_at < %(ends_at)s
),
around AS (
    SELECT c.currency, coalesce(before.at, %(starts_at)s) AS first_at,
        coalesce(after.at, %(ends_at)s) AS last_at
    FROM coins c
    LEFT JOIN LATERAL (
        SELECT occurred_at AS at FROM facts.log_entries
        WHERE account_id = %(account_id)s AND currency = c.currency
          AND occurred_at >= %(since)s AND occurred_at < %(starts_at)s
        ORDER BY currency, occurred_at DESC LIMIT 1) AS before ON true
    LEFT JOIN LATERAL (
        SELECT occurred_at AS at FROM facts.log_entries
        WHERE account_id = %(account_id)s AND currency = c.currency
          AND occurred_at >= %(ends_at)s AND occurred_at < %(until)s
        ORDER BY currency, occurred_at LIMIT 1) AS after ON true
)
SELECT a.currency, a.last_at, l.occurred_at, l.change, l.balance
FROM around a
CROSS JOIN LATERAL (
    SELECT occurred_at, change, balance FROM facts.current_log_entries
    WHERE account_id = %(account_id)s AND currency = a.currency
      AND occurred_at >= a.first_at AND occurred_at <= a.last_at
    ORDER BY occurred_at OFFSET 0) AS l
ORDER BY a.currency, l.occurred_at;

-- name: drop_breaks
DELETE FROM derived.chain_breaks b
USING unnest(%(currencies)s::text[], %(last)s::timestamptz[]) AS c (currency, last_at)
WHERE b.account_id = %(account_id)s AND b.currency = c.currency AND b.at >= %(starts_at)s
  AND b.at <= c.last_at;

-- name: put_break
INSERT INTO derived.chain_breaks (account_id, currency, at, after_at, expected, told)
VALUES (%(account_id)s, %(currency)s, %(at)s, %(after_at)s, %(expected)s, %(told)s)
ON CONFLICT (account_id, currency, at) DO UPDATE SET
    after_at = excluded.after_at, expected = excluded.expected, told = excluded.told;

-- name: all_breaks
SELECT currency, at, after_at, expected, told FROM derived.chain_breaks
WHERE account_id = %(account_id)s;
