"""The sides of joins: DuckDB passes a condition on a key from the left side of an outer join to the right one only.

The SQL has such joins the other way around, ``FROM counted RIGHT JOIN targets``, since Athena reads only those
partitions of the left side that the right side holds.
"""

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope


def turn_joins(tree: exp.Expr) -> None:
    """Turn each RIGHT JOIN to an aggregated CTE into a LEFT JOIN; the answer is the same.

    Other tables stay on their side: the right side is held in memory, and only groups are sure to be few.

    Args:
        tree: the SELECT, which is changed.
    """
    for scope in traverse_scope(tree):
        joins = scope.expression.args.get("joins") or []
        if joins and joins[0].side == "RIGHT" and joins[0].args.get("on"):
            left = scope.expression.args["from_"]
            source = scope.sources.get(left.alias_or_name)
            if isinstance(source, Scope) and source.expression.args.get("group"):
                counted, kept = left.this, joins[0].this
                left.set("this", kept)
                joins[0].set("this", counted)
                joins[0].set("side", "LEFT")
