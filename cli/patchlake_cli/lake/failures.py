"""Values that Athena refuses while it answers, and for which DuckDB would answer something."""

from sqlglot import exp

BEGINNING = "this is an error in Athena: "


def refused_if(condition: exp.Expr, number: exp.Expr, problem: str, shown: exp.Expr | None = None) -> exp.Expr:
    """Return a number, or a failure of the SELECT if a condition is true.

    TRY makes the failure NULL, as in Athena. DuckDB's own error() is not allowed in a TRY, so it is a cast of a text.

    Args:
        condition: the condition; if it is NULL, the number is taken.
        number: the number.
        problem: what is wrong, to follow the value that is wrong.
        shown: that value, if it is not the number.
    """
    said = (
        exp.Literal.string(BEGINNING),
        exp.cast((shown or number).copy(), "VARCHAR"),
        exp.Literal.string(f" {problem}"),
    )
    failure = exp.cast(exp.Anonymous(this="concat", expressions=list(said)), "INTEGER")
    checked = exp.Case().when(condition, failure).else_(number.copy())
    checked.type = number.type
    return checked
