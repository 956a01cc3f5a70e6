"""Write the rows of a Parquet file with pandas' defaults: ``pandas_file.py OUT IN``."""

import sys

import pandas as pd
import pyarrow.parquet as pq

pd.DataFrame(pq.read_table(sys.argv[2]).to_pylist()).to_parquet(sys.argv[1])
