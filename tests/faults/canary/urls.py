"""The routes."""

from django.urls import path, re_path

from tests.faults.canary import views

urlpatterns = [
    path("<str:outcome>/carry/<str:place>/", views.carry),
    path("<str:outcome>/segment/<str:segment>/", views.segment),
    re_path(r"^(error|success)/unnamed/(\w+)/$", views.unnamed),
    path("<str:outcome>/act/<str:place>/", views.act),
    path("<str:outcome>/configuration/", views.configuration),
    path("<str:outcome>/stream/", views.stream),
    path("<str:outcome>/middleware/", views.done),
    path("<str:outcome>/redirect/", views.redirect),
    path("<str:outcome>/cookie/", views.cookie),
    path("<str:outcome>/login/", views.login),
    path("<str:outcome>/publish/", views.publish),
]
