"""What the demo says on the terminal."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo_services.finding import Finding
from demo_services.ports import Ports

PIPE_COLUMNS = 120


class Screen:
    """The terminal; without one (a pipe, CI) the same lines without colour and without a spinner."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PIPE_COLUMNS

    def heading(self, text: str) -> None:
        """Say what is begun."""
        self.console.print(f"[bold]{text}[/]")

    def line(self, text: str) -> None:
        """Say something as it is."""
        self.console.print(text, markup=False, soft_wrap=True)

    def ready(self, what: str, seconds: float) -> None:
        """Say that something is there, and after how long."""
        self.console.print(f"  [green]✓[/] [dim]{seconds:5.1f} s[/]  {what}")

    def failure(self, text: str) -> None:
        """Say what went wrong, as it is, on several lines if need be."""
        self.console.print("[red]✗[/]", end=" ")
        self.console.print(text, markup=False, soft_wrap=True)

    def addresses(self, ports: Ports, trace_id: str, logs: Path) -> None:
        """The one table of where everything is."""
        table = Table(show_header=False, title="The demo is running", title_style="bold", min_width=60)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        rows: Mapping[str, str] = {
            "console": ports.url("console"),
            "auth": ports.url("auth"),
            "orders": ports.url("orders"),
            "notifications": ports.url("notifications"),
            "metrics": f"{ports.url('orders')}/metrics [dim](each service)[/]",
            "worker's metrics": f"{ports.url('worker_metrics')}/metrics",
            "mails": ports.url("mail"),
            "payment stand-in": f"{ports.url('payment')}/control",
            "output of each": f"{logs}/",
        }
        for name, value in rows.items():
            table.add_row(name, value)
        self.console.print(table)
        if trace_id:
            self.console.print(
                "The first order, through all three services, with each one's log lines in place:"
            )
            self.console.print(f"[bold green]{ports.url('console')}/trace/{trace_id}[/]", soft_wrap=True)
        else:
            self.failure("The first order's trace has not reached the console; its log may say why.")
        self.console.print()

    def findings(self, findings: Iterable[Finding]) -> None:
        """The table of checks."""
        table = Table(title="One order through the demo", title_style="bold")
        for heading in ("", "check", "seen"):
            table.add_column(heading, overflow="fold")
        for finding in findings:
            table.add_row("[green]✓[/]" if finding.passed else "[red]✗[/]", finding.check, finding.seen)
        self.console.print(table)

    def hints(self, ports: Ports, *, traffic: bool) -> None:
        """What to try next."""
        faults = ("orders errors=0.3", "orders latency=2", "orders dependency=auth", "orders version=bad")
        self.console.print("Make something go wrong (the page of each service says what can):", style="dim")
        for fault in (*faults, "notifications poison=1", "orders off"):
            self.console.print(f"  {command(ports)} fault {fault}", style="dim", soft_wrap=True)
        self.console.print(
            "The payment API too (mode ok, decline, error; delay_seconds 0 to 60):", style="dim"
        )
        control = f"curl -X PUT {ports.url('payment')}/control -d"
        self.console.print(f'  {control} \'{{"mode": "decline"}}\'', style="dim", soft_wrap=True)
        going = "Two customers keep ordering (TRAFFIC=0 leaves them out). " if traffic else ""
        self.console.print(f"{going}Ctrl-C stops everything.", soft_wrap=True)


def command(ports: Ports) -> str:
    """How this very demo is spoken to from the folder it was started in."""
    offset = ports.orders - Ports().orders
    moved = f"DEMO_PORT_OFFSET={offset} " if offset else ""
    return f"{moved}{os.path.relpath(sys.executable)} -m demo_services"
