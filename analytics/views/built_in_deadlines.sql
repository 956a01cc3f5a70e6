-- Question: Within how many days must a line of patches be resolved if the policy sets no deadline for it?
-- Rows: one per severity_rank.
-- Columns:
--   severity_rank: As in severity_ranks; 0 is for a severity that has no rank.
--   days: The number of days after the day on which the line opened: 15 for Critical, 30 for Important, 60 for Medium,
--     and 90 for Low or no severity.
-- Caveats:
--   - 15 and 30 days come from CISA's directive BOD 19-02, for critical and high vulnerabilities. There is no common
--     rule for the others: 60 and 90 days are stricter than FedRAMP's 90 and 180, and fit within the default of
--     HistoryDays.
SELECT
  severity_rank,
  days
FROM (
  VALUES (4, 15), (3, 30), (2, 60), (1, 90), (0, 90)
) AS deadlines (severity_rank, days)
