"""The assortment the shop opens with."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ASSORTMENT = [
    ("TEA-GREEN", "Green tea, 100 g", 590),
    ("TEA-EARL-GREY", "Earl Grey, 100 g", 640),
    ("COFFEE-BEANS", "Coffee beans, 500 g", 1250),
    ("MUG-BLUE", "A blue mug", 900),
]


def open_shop(apps: Apps, _schema: BaseDatabaseSchemaEditor) -> None:
    product = apps.get_model("orders", "Product")
    for sku, name, price_cents in ASSORTMENT:
        product.objects.create(sku=sku, name=name, price_cents=price_cents)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunPython(open_shop, migrations.RunPython.noop)]
