import RegistryModel

/// A page of a list.
package struct ListPage<Item: Shape>: Shape {
    package var items: [Item]
    /// What the next page is asked for with; nil: this is the last one.
    package var nextCursor: String?

    package init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }

    package static var fields: [ShapeField<ListPage<Item>>] {
        [
            ShapeField("items", objects: { $0.items }),
            .optional("next_cursor") { Cell($0.nextCursor) },
        ]
    }

    package init?(reading object: inout JSONObjectReader) {
        items = object.shapes("items", Item.self)
        nextCursor = object.optionalText("next_cursor")
    }
}
