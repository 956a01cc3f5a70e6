"""The same nodes with a dlt pipeline, into Parquet files in a folder."""

import dlt
from paginated import out, pages

pipeline = dlt.pipeline(
    pipeline_name="patch_states",
    pipelines_dir=f"{out}/work",
    destination=dlt.destinations.filesystem(f"{out}/lake"),
    dataset_name="lake",
)
pipeline.run(dlt.resource(pages, name="patch_states"), loader_file_format="parquet")
