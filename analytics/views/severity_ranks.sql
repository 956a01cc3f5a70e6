-- Question: Which of the vendors' words are severities, and how severe is each?
-- Rows: one per word that is a severity.
-- Columns:
--   severity: The word of the vendor.
--   severity_rank: 4 for Critical, 3 for Important, 2 for Moderate and Medium, 1 for Low. A word that is not here has
--     no rank, as the priorities of packages have none on a node without has_severities; it counts as 0.
-- Caveats:
--   - The words are those of Windows, Amazon Linux, Red Hat and SUSE.
SELECT
  severity,
  severity_rank
FROM (
  VALUES ('Critical', 4), ('Important', 3), ('Moderate', 2), ('Medium', 2), ('Low', 1)
) AS ranks (severity, severity_rank)
