"""A history of a fleet with open patches: a published run per day, as files of a lake."""

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import duckdb

FIRST = date(2026, 9, 28)

_NODES = """
CREATE TABLE nodes AS
SELECT
  n,
  printf('%012d', (n % 10 + 1) * 11111111111) AS account_id,
  CASE WHEN n % 3 = 0 THEN 'us-east-1' ELSE 'eu-central-1' END AS region,
  printf('i-%017x', n) AS instance_id,
  n % 4 = 0 AS is_windows,
  n % 5 = 0 AS is_neglected,
  hash(n) % 7 AS patch_day
FROM range({nodes}) AS numbers (n)
"""
_LINES = """
CREATE TABLE affected AS
SELECT n, line, hash(line * 7) % 28 AS release_day
FROM nodes, range(60) AS lines (line)
QUALIFY row_number() OVER (PARTITION BY n ORDER BY hash(n * 61 + line)) <= CASE WHEN is_neglected THEN 20 ELSE 10 END
"""
# A line has a new patch every four weeks; a node installs all of them once a week, a neglected one never.
_OPEN = """
CREATE OR REPLACE TABLE open AS
SELECT nodes.*, line, {day} - ({day} - release_day::BIGINT) % 28 AS released
FROM nodes JOIN affected USING (n)
WHERE is_neglected OR {day} - ({day} - release_day::BIGINT) % 28 >= {day} - ({day} - patch_day::BIGINT) % 7
"""
_TABLES = {
    "patch_states": """
        SELECT
          '{run_id}' AS run_id, {at} AS run_at, account_id, region, instance_id,
          CASE WHEN is_windows THEN 'Windows' ELSE 'Linux' END AS platform_type,
          CASE WHEN is_windows THEN 'Microsoft Windows Server 2022 Datacenter' ELSE 'Amazon Linux' END AS platform_name,
          CASE WHEN is_windows THEN '10.0.20348' ELSE '2023' END AS platform_version,
          CASE WHEN is_windows THEN 'windows' ELSE 'linux' END AS patch_group,
          'COLLECTED' AS collection_status, {at} AS collected_at, 'pb-0123456789abcdef0' AS baseline_id,
          {at} - INTERVAL 4 HOUR AS operation_start_time, {at} - INTERVAL 3 HOUR AS operation_end_time,
          coalesce(missing, 0)::INTEGER AS missing_count, {zeros}
        FROM nodes LEFT JOIN (SELECT n, count(*) AS missing FROM open GROUP BY n) USING (n)
        ORDER BY account_id, region, instance_id""",
    "patches": """
        SELECT
          '{run_id}' AS run_id, {at} AS run_at, account_id, region, instance_id,
          'COLLECTED' AS collection_status, {at} AS collected_at,
          CASE WHEN is_windows
            THEN printf('2026-%02d Cumulative Update %d for Windows (KB%d)', released % 12 + 1, line, number)
            ELSE printf('package-%d.x86_64:0:1.2-%d.amzn2023', line, released) END AS title,
          CASE WHEN is_windows THEN printf('KB%d', number) ELSE printf('package-%d.x86_64', line) END AS kb_id,
          'Security' AS classification, ['Critical', 'Important', 'Medium', 'Low'][line % 4 + 1] AS severity,
          'Missing' AS state
        FROM (SELECT *, 5000000 + line * 1000 + released AS number FROM open)
        ORDER BY account_id, region, instance_id, kb_id, title""",
    "coverage": """
        SELECT
          '{run_id}' AS run_id, {at} AS run_at, account_id, region, 'LISTED' AS listing_status,
          count(DISTINCT nodes.n)::INTEGER AS nodes_listed, count(DISTINCT nodes.n)::INTEGER AS nodes_collected,
          0::INTEGER AS nodes_no_patch_state, 0::INTEGER AS nodes_not_collected, 0::INTEGER AS nodes_invalid_response,
          0::INTEGER AS rows_without_id, 'COMPLETE' AS patches_status, count(line)::INTEGER AS patches_rows
        FROM nodes LEFT JOIN (SELECT n, line FROM open) USING (n)
        GROUP BY account_id, region""",
}
_ZEROS = ", ".join(
    f"0::INTEGER AS {name}_count"
    for name in (
        *("failed", "installed_pending_reboot", "installed_rejected"),
        *("critical_non_compliant", "security_non_compliant", "other_non_compliant"),
    )
)


def write_history(folder: Path, nodes: int, days: int, tables: Collection[str] = tuple(_TABLES)) -> int:
    """Publish a run a day in a folder; return the number of open patches of the last day.

    Args:
        folder: the folder of the lake.
        nodes: the nodes of the fleet; they have five open patches each, on average.
        days: the days from FIRST on.
        tables: the tables that the runs publish.
    """
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(_NODES.format(nodes=nodes))
    database.execute(_LINES)
    for number in range(days):
        day = FIRST + timedelta(days=number)
        run_id = f"{day:%Y%m%d}T060000Z"
        database.execute(_OPEN.format(day=1000 + number))
        for name in tables:
            path = folder / "lake" / name / f"run_date={day}" / f"{run_id}.parquet"
            path.parent.mkdir(parents=True)
            sql = _TABLES[name].format(run_id=run_id, at=f"TIMESTAMPTZ '{day} 06:00:00+00'", zeros=_ZEROS)
            database.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    [[rows]] = database.execute("SELECT count(*) FROM open").fetchall()
    return int(rows)
