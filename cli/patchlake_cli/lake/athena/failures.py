"""Values that Athena refuses while it answers, and for which DuckDB would answer something."""

from sqlglot import exp

BEGINNING = "this is an error in Athena: "


def refused_if(
    condition: exp.Expr, value: exp.Expr, problem: str, *, shown: exp.Expr | None = None, of_type: str = "INTEGER"
) -> exp.Expr:
    """Return a value, or a failure of the SELECT if a condition is true.

    TRY makes the failure NULL, as in Athena. DuckDB's own error() is not allowed in a TRY, so it is a cast of a text.

    Args:
        condition: the condition; if it is NULL, the value is taken.
        value: the value.
        problem: what is wrong, to follow what is wrong.
        shown: that, if it is not the value.
        of_type: the type of the value; INTEGER for every whole number.
    """
    said = (exp.Literal.string(BEGINNING), exp.cast((shown or value).copy(), "VARCHAR"), exp.Literal.string(problem))
    failure = exp.cast(exp.cast(exp.Anonymous(this="concat", expressions=list(said)), "INTEGER"), of_type)
    checked = exp.Case().when(condition, failure).else_(value.copy())
    checked.type = value.type
    return checked
