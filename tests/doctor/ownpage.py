"""The routes of a project that has a metrics page of its own."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def page(_: HttpRequest) -> HttpResponse:
    """What another exporter says."""
    return HttpResponse("# TYPE shop_sales_total counter\nshop_sales_total 3\n", content_type="text/plain")


urlpatterns = [path("metrics", page)]
