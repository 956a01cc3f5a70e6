"""AWS's prices in US East (N. Virginia), in US dollars, without free tiers and discounts.

AWS's own pages were not reachable when this was written: each price is quoted from another public page, with the date
that the page gives.
"""

from typing import NamedTuple


class Price(NamedTuple):
    """A price: its unit, the page that quotes it, and its date."""

    dollars: float
    amount: float
    unit: str
    source: str
    quoted: str

    @property
    def each(self) -> float:
        """The price of one unit."""
        return self.dollars / self.amount


LAMBDA_GB_SECOND = Price(
    0.0000133334, 1, "a GB-second of Lambda on arm64", "cloudchipr.com/blog/aws-lambda-pricing", "2024"
)
LAMBDA_REQUEST = Price(0.20, 1e6, "a million Lambda invocations", "cloudchipr.com/blog/aws-lambda-pricing", "2024")
S3_WRITE = Price(
    0.005, 1000, "1,000 S3 PUT or LIST requests", "athena.guide/articles/athena-basics-pricing-model", "October 2020"
)
S3_READ = Price(
    0.0004, 1000, "1,000 S3 GET or HEAD requests", "athena.guide/articles/athena-basics-pricing-model", "October 2020"
)
S3_GB_MONTH = Price(0.023, 1, "a GB of S3 Standard for a month", "deepeshsoni.com/archives/256", "undated")
SQS_REQUEST = Price(0.40, 1e6, "a million SQS requests", "cloudburn.io/blog/amazon-sqs-pricing", "March 2026")
SQS_FAIR = Price(
    0.10,
    1e6,
    "surcharge for a million SQS requests to fair queues",
    "cloudburn.io/blog/amazon-sqs-pricing",
    "March 2026",
)
ATHENA_TB = Price(
    5.00,
    1e12,
    "a TB scanned by Athena, at least 10 MB per query",
    "athena.guide/articles/athena-basics-pricing-model",
    "October 2020",
)
ALL = (LAMBDA_GB_SECOND, LAMBDA_REQUEST, S3_WRITE, S3_READ, S3_GB_MONTH, SQS_REQUEST, SQS_FAIR, ATHENA_TB)
