"""ag-grid as this dashboard uses it: virtualised rows, the house's theme, words of our own."""

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag

NUMBER = {"width": 120, "type": "rightAligned", "flex": 1}


def grid(name: str, columns: Sequence[dict[str, Any]], row_id: str, nothing: str, height: str | None = None) -> Any:
    """A grid whose rows are told apart by the field ``row_id``; without a height it is as high as its rows."""
    return dag.AgGrid(
        id=name,
        columnDefs=list(columns),
        rowData=[],
        getRowId=f"params.data.{row_id}",
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        dashGridOptions={
            "theme": {"function": "tulleTheme(themeQuartz)"},
            "domLayout": "normal" if height else "autoHeight",
            "animateRows": False,
            "localeText": {"noRowsToShow": nothing},
        },
        style={"height": height, "width": "100%"},
    )
