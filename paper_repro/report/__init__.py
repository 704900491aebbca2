"""Tables, figures, claims and the page: the last stage."""

from paper_repro.report.stage import REPORT, ReportSettings, report, report_inputs

__all__ = ["REPORT", "ReportSettings", "report", "report_inputs"]
