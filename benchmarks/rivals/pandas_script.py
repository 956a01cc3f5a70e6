"""A platform team's first version: every row in memory, a DataFrame, one Parquet file."""

from pathlib import Path

import pandas as pd
from paginated import out, pages

rows = [row for page in pages() for row in page]
Path(out, "lake").mkdir(parents=True)
pd.DataFrame(rows).to_parquet(f"{out}/lake/rows.parquet")
