-- Where the balances that the account log tells do not add up: something is missing there.
CREATE TABLE derived.chain_breaks (
    account_id  bigint      NOT NULL,
    currency    text        NOT NULL,
    at          timestamptz NOT NULL,   -- the instant whose balance the lines before do not explain
    after_at    timestamptz NOT NULL,   -- the last instant that they explain
    expected    numeric     NOT NULL,
    told        numeric     NOT NULL,
    PRIMARY KEY (account_id, currency, at)
);

-- The time in which something is missing, and that part of it which no fill explains that the log is
-- known to lack. A chain that breaks again and again is no chain: such a coin's balances follow
-- another rule than the one that was learnt from the manual, and witness nothing.
CREATE VIEW derived.broken_time AS
SELECT b.account_id, range_agg(tstzrange(b.after_at, b.at + interval '1 millisecond')) AS pieces,
    range_agg(tstzrange(b.after_at, b.at + interval '1 millisecond')) FILTER (WHERE NOT EXISTS (
        SELECT 1 FROM derived.disputes d
        WHERE d.account_id = b.account_id AND d.missing_in = 'account_log'
          AND d.at >= b.after_at AND d.at <= b.at)) AS unexplained
FROM derived.chain_breaks b
JOIN (SELECT account_id, currency FROM derived.chain_breaks
      GROUP BY account_id, currency HAVING count(*) <= 50) AS chain USING (account_id, currency)
GROUP BY b.account_id;

-- What is read of each stream and scope, less what is in dispute there, less what was listed and could
-- not be read, and less the time in which balances do not add up.
CREATE OR REPLACE VIEW derived.counted AS
SELECT c.account_id, c.stream, c.scope, c.unavailable, c.live,
    c.read - d.unlisted - d.unread - d.broken AS read,
    c.settled - d.unlisted - d.unread - d.broken AS settled,
    c.read * (d.unlisted + d.broken) AS disputed,
    c.read * d.unread - d.unlisted - d.broken AS unreadable,
    c.read * d.broken - d.unlisted AS broken
FROM derived.coverage c
LEFT JOIN LATERAL (
    SELECT t.unlisted, t.unread FROM derived.disputed_time t
    WHERE split_part(c.stream, '.', 1) = 'executions'
      AND t.account_id = c.account_id AND t.category = c.scope
    OFFSET 0
) AS t ON true
LEFT JOIN LATERAL (
    SELECT CASE split_part(c.stream, '.', 1)
        WHEN 'executions' THEN w.unexplained WHEN 'account_log' THEN w.pieces END AS pieces
    FROM derived.broken_time w
    WHERE w.account_id = c.account_id
    OFFSET 0
) AS b ON true
CROSS JOIN LATERAL (
    SELECT coalesce(t.unlisted, '{}'::tstzmultirange) AS unlisted,
        coalesce(t.unread, '{}'::tstzmultirange) AS unread,
        coalesce(b.pieces, '{}'::tstzmultirange) AS broken
) AS d;
