"""The columns of HAVING: sqlglot leaves them without their table, and so without their type, and those of USING too."""

from sqlglot import exp


def read_as_where(question: exp.Expr) -> None:
    """Make each HAVING a WHERE in its place, so that sqlglot names its columns as it does those of a WHERE.

    Args:
        question: the SELECT, which is changed.
    """
    for having in list(question.find_all(exp.Having)):
        having.replace(exp.Where(this=having.this))


def read_as_having(question: exp.Expr) -> None:
    """Undo `read_as_where`.

    Args:
        question: the SELECT, which is changed.
    """
    for select in question.find_all(exp.Select):
        if having := select.args.get("having"):
            having.replace(exp.Having(this=having.this))
