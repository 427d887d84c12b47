"""The tree keeps the direction of its rooms, and a violation would be seen."""

import unittest

from planted import SOURCE, PlantedTree

TABLE = """ff_room(base    0 LIBS ff::md)
ff_room(model   1 ROOMS base)
ff_room(flow    2 PURE ROOMS base LIBS m)
ff_room(engine  3 ROOMS model)
"""


class Rooms(PlantedTree):
    def setUp(self) -> None:
        super().setUp()
        self.plant("core/CMakeLists.txt", TABLE)
        self.plant("core/base/base.h", '#include "base/text.h"\n')
        self.plant("core/base/text.h", "")
        self.plant("core/model/model.h", "")
        self.plant("core/engine/engine.h", "")
        self.plant("sdk/driver/include/flowforge/base.h", "")

    def test_this_tree_keeps_the_direction(self) -> None:
        self.assert_passes("check-rooms", SOURCE)

    def test_downwards_through_the_front_door_is_right(self) -> None:
        self.plant("core/engine/a_priv.h", "#include <flowforge/base.h>\n")
        self.plant(
            "core/engine/a.c",
            '#include "engine/engine.h"\n#include "a_priv.h"\n#include "base/base.h"\n',
        )
        self.assert_passes("check-rooms", self.root)

    def test_upwards_is_caught(self) -> None:
        self.plant("core/base/a.c", 'int x;\n#include "engine/engine.h"\n')
        self.assert_caught("core/base/a.c:2: base may not", "check-rooms", self.root)

    def test_sideways_is_caught(self) -> None:
        self.plant("core/flow/a.c", '#include "model/model.h"\n')
        self.assert_caught("flow may not include model", "check-rooms", self.root)

    def test_another_rooms_inner_header_is_caught(self) -> None:
        self.plant("core/engine/a.c", '#  include "base/text.h"\n')
        self.assert_caught("only base/base.h", "check-rooms", self.root)

    def test_headers_of_rows_are_doors_of_the_model_alone(self) -> None:
        self.plant("core/model/few_rows.h", "")
        self.plant("core/base/few_rows.h", "")
        self.plant("core/engine/a.c", '#include "model/few_rows.h"\n')
        self.assert_passes("check-rooms", self.root)
        self.plant("core/engine/a.c", '#include "base/few_rows.h"\n')
        self.assert_caught("only base/base.h", "check-rooms", self.root)

    def plant_parts(self) -> None:
        self.plant(
            "core/CMakeLists.txt",
            TABLE
            + "ff_room(cli/view 5 ROOMS base)\nff_room(cli/runs 6 ROOMS cli/view)\n"
            + "ff_room(cli 7 ROOMS cli/runs)\n",
        )
        self.plant("core/cli/view/view.h", "")
        self.plant("core/cli/view/line.h", "")
        self.plant("core/cli/view/line_priv.h", "")
        self.plant("core/cli/cli.h", "")

    def test_parts_of_one_room_see_each_others_headers(self) -> None:
        self.plant_parts()
        self.plant("core/cli/runs/a.c", '#include "cli/view/line.h"\n')
        self.plant("core/cli/main.c", '#include "cli/view/line.h"\n')
        self.assert_passes("check-rooms", self.root)

    def test_a_private_header_of_another_part_is_caught(self) -> None:
        self.plant_parts()
        self.plant("core/cli/runs/a.c", '#include "cli/view/line_priv.h"\n')
        self.assert_caught("only cli/view/view.h", "check-rooms", self.root)

    def test_upwards_among_parts_is_caught(self) -> None:
        self.plant_parts()
        self.plant("core/cli/view/a.c", '#include "cli/cli.h"\n')
        self.assert_caught("cli/view may not include cli:", "check-rooms", self.root)

    def test_a_program_that_includes_an_inner_header_of_a_part_is_caught(self) -> None:
        self.plant_parts()
        self.plant("cmd/flowforge/main.c", '#include "cli/view/line.h"\n')
        self.assert_caught("only cli/view/view.h", "check-rooms", self.root)

    def test_a_part_outside_the_table_is_caught(self) -> None:
        self.plant_parts()
        self.plant("core/cli/extra/a.c", '#include "base/base.h"\n')
        self.assert_caught("cli/extra is not in the table", "check-rooms", self.root)

    def test_a_relative_path_hides_nothing(self) -> None:
        self.plant("core/engine/a.c", '#include "../base/text.h"\n')
        self.assert_caught("only base/base.h", "check-rooms", self.root)

    def test_a_driver_that_includes_a_room_is_caught(self) -> None:
        self.plant("plugins/store-x/x.c", '#include "base/base.h"\n')
        self.assert_caught("behind the contract", "check-rooms", self.root)

    def test_a_program_uses_front_doors_only(self) -> None:
        self.plant("cmd/flowforge/main.c", '#include "base/text.h"\n')
        self.assert_caught("only base/base.h", "check-rooms", self.root)

    def test_a_room_that_includes_a_driver_is_caught(self) -> None:
        self.plant("plugins/store-x/x.h", "")
        self.plant("core/base/a.c", '#include "../../plugins/store-x/x.h"\n')
        self.assert_caught("may not include plugins/", "check-rooms", self.root)

    def test_files_that_include_each_other_are_caught(self) -> None:
        self.plant("core/base/text.h", '#include "base/mem.h"\n')
        self.plant("core/base/mem.h", '#include "base/base.h"\n')
        self.assert_caught("include each other: core/base", "check-rooms", self.root)

    def test_a_table_that_points_upwards_is_caught(self) -> None:
        self.plant("core/CMakeLists.txt", TABLE.replace("ROOMS base)", "ROOMS engine)"))
        self.assert_caught("not below it", "check-rooms", self.root)

    def test_a_room_outside_the_table_is_caught(self) -> None:
        self.plant("core/extra/a.c", '#include "base/base.h"\n')
        self.assert_caught("not in the table", "check-rooms", self.root)


if __name__ == "__main__":
    unittest.main()
