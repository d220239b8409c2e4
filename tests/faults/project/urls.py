"""The routes; the kit adds /metrics, /healthz and /readyz by itself."""

from django.urls import path

from tests.faults.project import leaks, people, views, watch

urlpatterns = [
    path("", views.ok),
    path("busy/", views.busy),
    path("slow/", views.slow),
    path("burst/", views.burst),
    path("log/", views.log),
    path("stuck/", views.stuck),
    path("stubborn/<int:number>/", views.stubborn),
    path("deaf/", views.deaf),
    path("blocking/", views.blocking),
    path("publish/", views.publish),
    path("fail/", views.fail),
    path("leak/", leaks.leak),
    path("accounts/<email>/", people.account),
    path("watch/begin/", watch.begin),
    path("watch/end/", watch.end),
    path("items/<int:item>/", lambda request, item: views.ok(request)),
]
