"""The pages, one file each: `(request, connection, ...) -> (template, context)`, made views by `page`."""
