"""A Celery app without Django and without the kit, on the same broker as a service that has both."""

import os

from celery import Celery

app = Celery("bare", broker="filesystem://")
app.conf.broker_transport_options = dict.fromkeys(
    ("data_folder_in", "data_folder_out", "control_folder"), os.environ["BROKER_FOLDER"]
)
