// What the containers of a manager have beside Python's own, and what the comparison with Python leaves out.
import { dict } from './containers/dict.ts'
import { list } from './containers/list.ts'
import { set } from './containers/set.ts'
import { text } from './containers/text.ts'
import { types } from './containers/types.ts'
import { values } from './containers/values.ts'

for (const part of [types, list, dict, set, values, text]) part()
