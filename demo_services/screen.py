"""What the demo says on the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from demo_services.ports import Ports


class Screen:
    """The terminal; without one (a pipe, CI) the same lines without colour and without a spinner."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def ready(self, name: str, seconds: float) -> None:
        """Say that a program is up."""
        self.console.print(f"  [green]✓[/] {name:<22}[dim]{seconds:5.1f} s[/]")

    def failure(self, text: str) -> None:
        """Say what went wrong, as it is, on several lines if need be."""
        self.console.print("[red]✗[/]", end=" ")
        self.console.print(text, markup=False, soft_wrap=True)

    def addresses(self, ports: Ports, trace_url: str, logs: str) -> None:
        """The one table of where everything is."""
        table = Table(show_header=False, title="The demo is running", title_style="bold", min_width=60)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        rows: Mapping[str, str] = {
            "first order's trace": f"[bold green]{trace_url}[/]",
            "console": ports.url("console"),
            "auth": ports.url("auth"),
            "orders": ports.url("orders"),
            "notifications": ports.url("notifications"),
            "metrics": f"{ports.url('orders')}/metrics [dim](each service)[/]",
            "worker's metrics": f"{ports.url('worker_metrics')}/metrics",
            "mails": ports.url("mail"),
            "payment stand-in": f"{ports.url('payment')}/control",
            "output of each": logs,
        }
        for name, value in rows.items():
            table.add_row(name, value)
        self.console.print(table)

    def hints(self, ports: Ports, *, traffic: bool) -> None:
        """What to try next."""
        control = f"curl -X PUT {ports.url('payment')}/control -d"
        self.console.print("Make the payment API decline, fail or be slow, and back:", style="dim")
        for behaviour in ('{"mode": "decline"}', '{"mode": "error"}', '{"delay_seconds": 1.5}'):
            self.console.print(f"  {control} '{behaviour}'", style="dim", soft_wrap=True)
        self.console.print(
            f'  {control} \'{{"mode": "ok", "delay_seconds": 0}}\'', style="dim", soft_wrap=True
        )
        going = "Two customers keep ordering (TRAFFIC=0 leaves them out). " if traffic else ""
        self.console.print(f"{going}Ctrl-C stops everything.", soft_wrap=True)
