"""What a platform team writes first: every row in memory, a DataFrame, one Parquet file."""

from pathlib import Path

import pandas as pd
from paginated import out, pages

rows = [row for page in pages() for row in page]
Path(out).mkdir(parents=True, exist_ok=True)
pd.DataFrame(rows).to_parquet(f"{out}/patch_states.parquet")
