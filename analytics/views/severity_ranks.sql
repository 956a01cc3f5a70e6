-- Question: Which of the vendors' words are severities, and how severe is each?
-- Rows: one per word that is a severity.
-- Columns:
--   severity: The vendor's word.
--   severity_rank: 4 for Critical, 3 for Important, 2 for Moderate and Medium, 1 for Low. Any other word has no rank
--     and counts as 0; so does every word on a node unless has_severities is true.
-- Caveats:
--   - The words are those that Windows, Amazon Linux, Red Hat and SUSE use.
SELECT
  severity,
  severity_rank
FROM (
  VALUES ('Critical', 4), ('Important', 3), ('Moderate', 2), ('Medium', 2), ('Low', 1)
) AS ranks (severity, severity_rank)
