"""The same nodes with the library of AWS's data team, which writes to S3."""

import awswrangler as wr
import pandas as pd
from paginated import out, pages

rows = [row for page in pages() for row in page]
wr.s3.to_parquet(pd.DataFrame(rows), path=f"{out}/patch_states/", dataset=True)
