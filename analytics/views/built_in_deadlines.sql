-- Question: Within how many days must a line of patches be resolved if the policy has no deadline for it?
-- Rows: one per severity_rank.
-- Columns:
--   severity_rank: As in severity_ranks; 0 is for a severity that has no rank.
--   days: The days after the one on which the line opened: 15 for Critical, 30 for Important, 60 for Medium, 90 for Low
--     and for no severity.
-- Caveats:
--   - 15 and 30 days are those of CISA's directive BOD 19-02 for critical and high vulnerabilities. No such rule is
--     common for the others: 60 and 90 days are stricter than the 90 and 180 of FedRAMP, and within the default of
--     HistoryDays.
SELECT
  severity_rank,
  days
FROM (
  VALUES (4, 15), (3, 30), (2, 60), (1, 90), (0, 90)
) AS deadlines (severity_rank, days)
