"""The templates as Jinja compiles them: made by `python -m ops_checks.formats.html.compiled_source`, never by hand."""
# mypy: ignore-errors
# fmt: off

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jinja2 import Environment

#: The version of Jinja that made them: another one may expect other things of them.
JINJA = '3.1.6'


def _template_0(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'behind.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_measures = resolve('measures')
        l_0_drawn = resolve('drawn')
        l_0_window = resolve('window')
        l_0_clock = resolve('clock')
        l_0_behind = resolve('behind')
        l_0_first = resolve('first')
        l_0_badge = l_0_left_out = l_0_figure = l_0_patterns = l_0_table = l_0_timeline = l_0_differing = l_0_told = missing
        try:
            t_1 = environment.filters['length']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'length' found.")
        try:
            t_2 = environment.filters['list']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'list' found.")
        try:
            t_3 = environment.filters['selectattr']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'selectattr' found.")
        pass
        included_template = environment.get_template('words.html', 'behind.html')._get_default_module(context)
        l_0_badge = getattr(included_template, 'badge', missing)
        if l_0_badge is missing:
            l_0_badge = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'behind.html') does not export the requested name 'badge'", name='badge')
        l_0_left_out = getattr(included_template, 'left_out', missing)
        if l_0_left_out is missing:
            l_0_left_out = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'behind.html') does not export the requested name 'left_out'", name='left_out')
        context.vars.update({'badge': l_0_badge, 'left_out': l_0_left_out})
        context.exported_vars.difference_update(('badge', 'left_out'))
        included_template = environment.get_template('plots.html', 'behind.html')._get_default_module(context)
        l_0_figure = getattr(included_template, 'figure', missing)
        if l_0_figure is missing:
            l_0_figure = undefined(f"the template {included_template.__name__!r} (imported on line 2 in 'behind.html') does not export the requested name 'figure'", name='figure')
        l_0_patterns = getattr(included_template, 'patterns', missing)
        if l_0_patterns is missing:
            l_0_patterns = undefined(f"the template {included_template.__name__!r} (imported on line 2 in 'behind.html') does not export the requested name 'patterns'", name='patterns')
        l_0_table = getattr(included_template, 'table', missing)
        if l_0_table is missing:
            l_0_table = undefined(f"the template {included_template.__name__!r} (imported on line 2 in 'behind.html') does not export the requested name 'table'", name='table')
        l_0_timeline = getattr(included_template, 'timeline', missing)
        if l_0_timeline is missing:
            l_0_timeline = undefined(f"the template {included_template.__name__!r} (imported on line 2 in 'behind.html') does not export the requested name 'timeline'", name='timeline')
        context.vars.update({'figure': l_0_figure, 'patterns': l_0_patterns, 'table': l_0_table, 'timeline': l_0_timeline})
        context.exported_vars.difference_update(('figure', 'patterns', 'table', 'timeline'))
        def macro(l_1_rows, l_1_name):
            t_4 = []
            if l_1_rows is missing:
                l_1_rows = undefined("parameter 'rows' was not provided", name='rows')
            if l_1_name is missing:
                l_1_name = undefined("parameter 'name' was not provided", name='name')
            pass
            t_4.extend((
                '<table class="findings drift">\n<caption class="unseen">',
                escape(environment.finalize(l_1_name)),
                '</caption>\n<thead><tr><th scope="col">Item</th><th scope="col">Field</th><th scope="col">Markdown</th><th scope="col">set by</th><th scope="col">Database</th><th scope="col">set by</th></tr></thead>\n<tbody>\n',
            ))
            for l_2_row in l_1_rows:
                _loop_vars = {}
                pass
                t_4.extend((
                    '<tr><td><code>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'item'))),
                    '</code></td><td>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'field'))),
                    '</td><td><code>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'markdown'))),
                    '</code></td><td>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'md_blame'))),
                    '</td><td><code>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'database'))),
                    '</code></td><td>',
                    escape(environment.finalize(environment.getattr(l_2_row, 'db_blame'))),
                    '</td></tr>\n',
                ))
            l_2_row = missing
            t_4.append(
                '</tbody>\n</table>\n',
            )
            return concat(t_4)
        context.exported_vars.add('differing')
        context.vars['differing'] = l_0_differing = Macro(environment, macro, 'differing', ('rows', 'name'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_measure):
            t_5 = []
            if l_1_measure is missing:
                l_1_measure = undefined("parameter 'measure' was not provided", name='measure')
            pass
            t_5.extend((
                '<h3>',
                escape(environment.finalize(environment.getattr(l_1_measure, 'title'))),
            ))
            if (environment.getattr(l_1_measure, 'title') != environment.getattr(l_1_measure, 'name')):
                pass
                t_5.extend((
                    ' <code class="id">',
                    escape(environment.finalize(environment.getattr(l_1_measure, 'name'))),
                    '</code>',
                ))
            t_5.extend((
                '</h3>\n<p class="value"><b>',
                escape(environment.finalize(environment.getattr(l_1_measure, 'value'))),
                '</b>',
            ))
            if environment.getattr(l_1_measure, 'verdict'):
                pass
                t_5.extend((
                    ' ',
                    escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_1_measure, 'verdict')))),
                ))
            t_5.append(
                '</p>\n<p class="details">',
            )
            l_2_loop = missing
            for l_2_detail, l_2_loop in LoopContext(environment.getattr(l_1_measure, 'details'), undefined):
                _loop_vars = {}
                pass
                t_5.extend((
                    escape(environment.finalize(l_2_detail)),
                    escape(environment.finalize(('' if environment.getattr(l_2_loop, 'last') else ' · '))),
                ))
            l_2_loop = l_2_detail = missing
            t_5.append(
                '</p>\n',
            )
            return concat(t_5)
        context.exported_vars.add('told')
        context.vars['told'] = l_0_told = Macro(environment, macro, 'told', ('measure',), False, False, False, context.eval_ctx.autoescape)
        if (undefined(name='measures') if l_0_measures is missing else l_0_measures):
            pass
            l_0_drawn = t_2(context.eval_ctx, t_3(context, (undefined(name='measures') if l_0_measures is missing else l_0_measures), 'plot'))
            context.vars['drawn'] = l_0_drawn
            context.exported_vars.add('drawn')
            yield '<section aria-labelledby="metrics">\n<h2 id="metrics">Metrics</h2>\n'
            if (undefined(name='window') if l_0_window is missing else l_0_window):
                pass
                yield '<p class="details">Of the runs and retries '
                yield escape(environment.finalize((undefined(name='window') if l_0_window is missing else l_0_window)))
                yield ' ('
                yield escape(environment.finalize(environment.getattr((undefined(name='clock') if l_0_clock is missing else l_0_clock), 'name')))
                yield ').</p>\n'
            yield '<div class="grid">\n'
            l_1_loop = missing
            for l_1_measure, l_1_loop in LoopContext((undefined(name='drawn') if l_0_drawn is missing else l_0_drawn), undefined):
                _loop_vars = {}
                pass
                yield '<article class="measure">\n'
                yield escape(environment.finalize(context.call((undefined(name='told') if l_0_told is missing else l_0_told), l_1_measure, _loop_vars=_loop_vars)))
                yield '\n'
                yield escape(environment.finalize(context.call((undefined(name='timeline') if l_0_timeline is missing else l_0_timeline), environment.getattr(l_1_measure, 'plot'), markup_join(('m', environment.getattr(l_1_loop, 'index'), )), _loop_vars=_loop_vars)))
                yield '\n<p class="said">'
                yield escape(environment.finalize(environment.getattr(environment.getattr(l_1_measure, 'plot'), 'description')))
                yield '</p>\n'
                yield escape(environment.finalize(context.call((undefined(name='table') if l_0_table is missing else l_0_table), environment.getattr(l_1_measure, 'plot'), _loop_vars=_loop_vars)))
                yield '\n</article>\n'
            l_1_loop = l_1_measure = missing
            yield '</div>\n'
            if (undefined(name='drawn') if l_0_drawn is missing else l_0_drawn):
                pass
                yield '<ul class="legend"><li><svg width="22" height="14" aria-hidden="true"><path class="line" d="M1 7H21"/><circle class="dot" cx="11" cy="7" r="2"/></svg> value of a step</li><li><svg width="22" height="14" aria-hidden="true"><rect class="band" width="22" height="14"/></svg> 95 % interval</li><li><svg width="22" height="14" aria-hidden="true"><path class="limit" d="M1 7H21"/></svg> limit</li><li><svg width="22" height="14" aria-hidden="true"><circle class="out" cx="11" cy="7" r="4"/></svg> limit not met</li><li><svg width="22" height="14" aria-hidden="true"><rect class="window" width="22" height="14"/></svg> window of the value above</li></ul>\n'
            yield '<div class="grid small">\n'
            def t_6(fiter):
                for l_1_measure in fiter:
                    if (not environment.getattr(l_1_measure, 'plot')):
                        yield l_1_measure
            for l_1_measure in t_6((undefined(name='measures') if l_0_measures is missing else l_0_measures)):
                _loop_vars = {}
                pass
                yield '<article class="measure">\n'
                yield escape(environment.finalize(context.call((undefined(name='told') if l_0_told is missing else l_0_told), l_1_measure, _loop_vars=_loop_vars)))
                yield '\n</article>\n'
            l_1_measure = missing
            yield '</div>\n</section>\n'
        if (undefined(name='behind') if l_0_behind is missing else l_0_behind):
            pass
            if environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'latency'):
                pass
                yield '<section aria-labelledby="latency">\n<h2 id="latency">Latency</h2>\n'
                yield escape(environment.finalize(context.call((undefined(name='figure') if l_0_figure is missing else l_0_figure), environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'latency'), 'l1')))
                yield '\n</section>\n'
            if environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'states'):
                pass
                yield '<section aria-labelledby="states">\n<h2 id="states">The queue over time</h2>\n'
                yield escape(environment.finalize(context.call((undefined(name='patterns') if l_0_patterns is missing else l_0_patterns))))
                yield '\n<div class="grid wide">\n'
                l_1_loop = missing
                for l_1_plot, l_1_loop in LoopContext(environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'states'), undefined):
                    _loop_vars = {}
                    pass
                    yield escape(environment.finalize(context.call((undefined(name='figure') if l_0_figure is missing else l_0_figure), l_1_plot, markup_join(('s', environment.getattr(l_1_loop, 'index'), )), _loop_vars=_loop_vars)))
                    yield '\n'
                l_1_loop = l_1_plot = missing
                yield '</div>\n</section>\n'
            if environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'lanes'):
                pass
                yield '<section aria-labelledby="lanes">\n<h2 id="lanes">Workers</h2>\n'
                yield escape(environment.finalize(context.call((undefined(name='figure') if l_0_figure is missing else l_0_figure), environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'lanes'), 'w1')))
                yield '\n</section>\n'
            if environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'groups'):
                pass
                yield '<section aria-labelledby="groups">\n<h2 id="groups">Who and what fails</h2>\n<div class="grid wide">\n'
                l_1_loop = missing
                for l_1_groups, l_1_loop in LoopContext(environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'groups'), undefined):
                    _loop_vars = {}
                    pass
                    yield '<article>\n<h3 id="g'
                    yield escape(environment.finalize(environment.getattr(l_1_loop, 'index')))
                    yield '">By '
                    yield escape(environment.finalize(environment.getattr(l_1_groups, 'by')))
                    yield '</h3>\n<div class="scroll" tabindex="0" role="region" aria-labelledby="g'
                    yield escape(environment.finalize(environment.getattr(l_1_loop, 'index')))
                    yield '">\n<table class="groups">\n<thead><tr><th scope="col">'
                    yield escape(environment.finalize(environment.getattr(l_1_groups, 'by')))
                    yield '</th><th scope="col">Runs</th><th scope="col">Failed</th><th scope="col">Rate</th><th scope="col">p95</th><th scope="col">Share of failures</th></tr></thead>\n<tbody>\n'
                    for l_2_row in environment.getattr(l_1_groups, 'rows'):
                        _loop_vars = {}
                        pass
                        yield '<tr><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'name')))
                        yield '</td><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'runs')))
                        yield '</td><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'failed')))
                        yield '</td><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'rate')))
                        yield '</td><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'p95')))
                        yield '</td><td>'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'share')))
                        yield ' <svg width="72" height="8" aria-hidden="true"><rect class="rail" width="100%" height="8"/><rect class="bar" width="'
                        yield escape(environment.finalize(environment.getattr(l_2_row, 'length')))
                        yield '" height="8"/></svg></td></tr>\n'
                    l_2_row = missing
                    yield '</tbody>\n</table>\n</div>\n'
                    yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), environment.getattr(l_1_groups, 'more'), 'groups', _loop_vars=_loop_vars)))
                    yield '\n</article>\n'
                l_1_loop = l_1_groups = missing
                yield '</div>\n</section>\n'
            if (environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'drift') or environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'more_drift')):
                pass
                yield '<section aria-labelledby="drift">\n<h2 id="drift">Where the queues differ</h2>\n'
                yield escape(environment.finalize(context.call((undefined(name='differing') if l_0_differing is missing else l_0_differing), environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'drift')[:(undefined(name='first') if l_0_first is missing else l_0_first)], 'Fields that differ, and who set them')))
                yield '\n'
                if environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'drift')[(undefined(name='first') if l_0_first is missing else l_0_first):]:
                    pass
                    yield '<details><summary>'
                    yield escape(environment.finalize((t_1(environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'drift')) - (undefined(name='first') if l_0_first is missing else l_0_first))))
                    yield ' more</summary>\n'
                    yield escape(environment.finalize(context.call((undefined(name='differing') if l_0_differing is missing else l_0_differing), environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'drift')[(undefined(name='first') if l_0_first is missing else l_0_first):], 'More fields that differ')))
                    yield '\n</details>\n'
                yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), environment.getattr((undefined(name='behind') if l_0_behind is missing else l_0_behind), 'more_drift'), 'fields')))
                yield '\n</section>\n'

    blocks = {}
    debug_info = '1=36&2=45&3=60&5=69&8=72&9=77&14=97&15=104&16=115&17=128&19=142&20=144&23=148&24=151&27=157&29=161&30=163&31=165&32=167&36=171&40=175&42=183&48=187&49=189&52=192&55=194&58=197&60=200&61=203&66=207&69=210&72=212&76=216&78=220&79=224&81=226&83=228&84=232&89=248&95=252&98=255&99=257&100=260&101=262&104=264'
    return locals()


def _template_1(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'head.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_made = resolve('made')
        l_0_zone = resolve('zone')
        l_0_verdict = resolve('verdict')
        l_0_sentence = resolve('sentence')
        l_0_counts = resolve('counts')
        l_0_exit_code = resolve('exit_code')
        l_0_compared = resolve('compared')
        l_0_errors = resolve('errors')
        l_0_told = resolve('told')
        l_0_hints = resolve('hints')
        l_0_places = resolve('places')
        l_0_badge = l_0_list = missing
        pass
        included_template = environment.get_template('words.html', 'head.html')._get_default_module(context)
        l_0_badge = getattr(included_template, 'badge', missing)
        if l_0_badge is missing:
            l_0_badge = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'head.html') does not export the requested name 'badge'", name='badge')
        l_0_list = getattr(included_template, 'list', missing)
        if l_0_list is missing:
            l_0_list = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'head.html') does not export the requested name 'list'", name='list')
        context.vars.update({'badge': l_0_badge, 'list': l_0_list})
        context.exported_vars.difference_update(('badge', 'list'))
        yield '<header>\n<p class="what">ops-checks: the queue as it was checked on <b>'
        yield escape(environment.finalize((undefined(name='made') if l_0_made is missing else l_0_made)))
        yield '</b> ('
        yield escape(environment.finalize((undefined(name='zone') if l_0_zone is missing else l_0_zone)))
        yield ')</p>\n<h1>'
        yield escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), (undefined(name='verdict') if l_0_verdict is missing else l_0_verdict))))
        yield ' '
        yield escape(environment.finalize((undefined(name='sentence') if l_0_sentence is missing else l_0_sentence)))
        yield '</h1>\n<p class="counts">'
        yield escape(environment.finalize((undefined(name='counts') if l_0_counts is missing else l_0_counts)))
        yield '; exit code '
        yield escape(environment.finalize((undefined(name='exit_code') if l_0_exit_code is missing else l_0_exit_code)))
        yield '</p>\n'
        if (undefined(name='compared') if l_0_compared is missing else l_0_compared):
            pass
            yield '<dl class="figures"><div><dt>new</dt><dd>'
            yield escape(environment.finalize(environment.getitem((undefined(name='compared') if l_0_compared is missing else l_0_compared), 0)))
            yield '</dd></div><div><dt>known</dt><dd>'
            yield escape(environment.finalize(environment.getitem((undefined(name='compared') if l_0_compared is missing else l_0_compared), 1)))
            yield '</dd></div><div><dt>gone</dt><dd>'
            yield escape(environment.finalize(environment.getitem((undefined(name='compared') if l_0_compared is missing else l_0_compared), 2)))
            yield '</dd></div><div class="since"><dt>since</dt><dd>'
            yield escape(environment.finalize(environment.getitem((undefined(name='compared') if l_0_compared is missing else l_0_compared), 3)))
            yield ' <span class="path">'
            yield escape(environment.finalize(environment.getitem((undefined(name='compared') if l_0_compared is missing else l_0_compared), 4)))
            yield '</span></dd></div></dl>\n'
        if environment.getattr((undefined(name='errors') if l_0_errors is missing else l_0_errors), 'shown'):
            pass
            yield '<section class="error-list" aria-labelledby="errors"><h2 id="errors">Could not be evaluated</h2>\n'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='errors') if l_0_errors is missing else l_0_errors), 'errors')))
            yield '\n'
            if environment.getattr((undefined(name='told') if l_0_told is missing else l_0_told), 'shown'):
                pass
                yield '<p>Not evaluated for that: '
                l_1_loop = missing
                for l_1_id, l_1_loop in LoopContext(environment.getattr((undefined(name='told') if l_0_told is missing else l_0_told), 'shown'), undefined):
                    _loop_vars = {}
                    pass
                    yield '<code>'
                    yield escape(environment.finalize(l_1_id))
                    yield '</code>'
                    yield escape(environment.finalize(('' if environment.getattr(l_1_loop, 'last') else ', ')))
                l_1_loop = l_1_id = missing
                yield '</p>\n'
            yield '</section>\n'
        if environment.getattr((undefined(name='hints') if l_0_hints is missing else l_0_hints), 'shown'):
            pass
            yield '<div class="help-list">'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='hints') if l_0_hints is missing else l_0_hints), 'hints')))
            yield '</div>\n'
        yield '<nav aria-label="In this page">'
        for (l_1_id, l_1_name) in (undefined(name='places') if l_0_places is missing else l_0_places):
            _loop_vars = {}
            pass
            yield '<a href="#'
            yield escape(environment.finalize(l_1_id))
            yield '">'
            yield escape(environment.finalize(l_1_name))
            yield '</a>'
        l_1_id = l_1_name = missing
        yield '</nav>\n</header>'

    blocks = {}
    debug_info = '1=23&3=33&4=37&5=41&6=45&7=48&9=58&11=61&12=63&13=67&17=77&18=80&20=83'
    return locals()


def _template_2(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'page.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_style = resolve('style')
        l_0_title = resolve('title')
        l_0_head = resolve('head')
        l_0_sections = resolve('sections')
        l_0_tail = resolve('tail')
        pass
        yield '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        yield escape(environment.finalize(environment.getattr((undefined(name='style') if l_0_style is missing else l_0_style), 'source')))
        yield '; base-uri \'none\'; form-action \'none\'">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n<title>'
        yield escape(environment.finalize((undefined(name='title') if l_0_title is missing else l_0_title)))
        yield '</title>\n<style>'
        yield escape(environment.finalize(environment.getattr((undefined(name='style') if l_0_style is missing else l_0_style), 'text')))
        yield '</style>\n</head>\n<body>\n'
        yield escape(environment.finalize((undefined(name='head') if l_0_head is missing else l_0_head)))
        yield '\n<main>\n'
        yield escape(environment.finalize((undefined(name='sections') if l_0_sections is missing else l_0_sections)))
        yield '\n'
        yield escape(environment.finalize((undefined(name='tail') if l_0_tail is missing else l_0_tail)))
        yield '\n</body>\n</html>'

    blocks = {}
    debug_info = '1=17&5=19&6=21&9=23&11=25&12=27'
    return locals()


def _template_3(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'plots.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_table = l_0_frame = l_0_stretched = l_0_timeline = l_0_latency = l_0_patterns = l_0_states = l_0_lanes = l_0_figure = missing
        try:
            t_1 = environment.filters['length']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'length' found.")
        try:
            t_2 = environment.filters['reverse']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'reverse' found.")
        pass
        def macro(l_1_plot):
            t_3 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            pass
            t_3.extend((
                '<details class="numbers"><summary>Numbers<span class="unseen"> of ',
                escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
                '</span></summary>\n<div class="scroll" tabindex="0" role="region" aria-label="Numbers of ',
                escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
                '">\n<table>\n<thead><tr>',
            ))
            for l_2_head in environment.getattr(environment.getattr(l_1_plot, 'table'), 'heads'):
                _loop_vars = {}
                pass
                t_3.extend((
                    '<th scope="col">',
                    escape(environment.finalize(l_2_head)),
                ))
            l_2_head = missing
            t_3.append(
                '</thead>\n<tbody>\n',
            )
            for l_2_row in environment.getattr(environment.getattr(l_1_plot, 'table'), 'rows'):
                _loop_vars = {}
                pass
                t_3.append(
                    '<tr>',
                )
                for l_3_cell in l_2_row:
                    _loop_vars = {}
                    pass
                    t_3.extend((
                        '<td>',
                        escape(environment.finalize(l_3_cell)),
                    ))
                l_3_cell = missing
                t_3.append(
                    '\n',
                )
            l_2_row = missing
            t_3.append(
                '</tbody>\n</table>\n</div>\n',
            )
            if environment.getattr(environment.getattr(l_1_plot, 'table'), 'more'):
                pass
                t_3.extend((
                    '<p class="more">And ',
                    escape(environment.finalize(environment.getattr(environment.getattr(l_1_plot, 'table'), 'more'))),
                    ' more.</p>\n',
                ))
            t_3.append(
                '</details>\n',
            )
            return concat(t_3)
        context.exported_vars.add('table')
        context.vars['table'] = l_0_table = Macro(environment, macro, 'table', ('plot',), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id, l_1_caller):
            t_4 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            t_4.append(
                '<div class="plot">\n',
            )
            if environment.getattr(l_1_plot, 'y_ticks'):
                pass
                t_4.extend((
                    '<svg class="axis" width="44" height="',
                    escape(environment.finalize((environment.getattr(l_1_plot, 'height') + 26))),
                    '" aria-hidden="true">',
                ))
                for l_2_tick in environment.getattr(l_1_plot, 'y_ticks'):
                    _loop_vars = {}
                    pass
                    t_4.extend((
                        '<text x="40" y="',
                        escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                        '" dy="10" text-anchor="end">',
                        escape(environment.finalize(environment.getattr(l_2_tick, 'label'))),
                        '</text>',
                    ))
                l_2_tick = missing
                t_4.append(
                    '</svg>\n',
                )
            t_4.extend((
                '<svg class="area" width="100%" height="',
                escape(environment.finalize((environment.getattr(l_1_plot, 'height') + 26))),
                '" role="img" aria-labelledby="',
                escape(environment.finalize(l_1_id)),
                '-t ',
                escape(environment.finalize(l_1_id)),
                '-d"><title id="',
                escape(environment.finalize(l_1_id)),
                '-t">',
                escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
                '</title><desc id="',
                escape(environment.finalize(l_1_id)),
                '-d">',
                escape(environment.finalize(environment.getattr(l_1_plot, 'description'))),
                '</desc>\n<svg y="6" width="100%" height="',
                escape(environment.finalize(environment.getattr(l_1_plot, 'height'))),
                '" overflow="visible">\n',
            ))
            for l_2_tick in environment.getattr(l_1_plot, 'y_ticks'):
                _loop_vars = {}
                pass
                t_4.extend((
                    '<line class="level" x1="0" x2="100%" y1="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                    '" y2="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                    '"/>',
                ))
            l_2_tick = missing
            t_4.extend((
                '\n',
                escape(environment.finalize(context.call(l_1_caller))),
                '\n</svg>\n',
            ))
            for l_2_tick in environment.getattr(l_1_plot, 'x_ticks'):
                _loop_vars = {}
                pass
                t_4.extend((
                    '<line class="tick" x1="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                    '" x2="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                    '" y1="',
                    escape(environment.finalize((environment.getattr(l_1_plot, 'height') + 6))),
                    '" y2="',
                    escape(environment.finalize((environment.getattr(l_1_plot, 'height') + 10))),
                    '"/><text x="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'at'))),
                    '" y="',
                    escape(environment.finalize((environment.getattr(l_1_plot, 'height') + 22))),
                    '" text-anchor="',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'anchor'))),
                    '">',
                    escape(environment.finalize(environment.getattr(l_2_tick, 'label'))),
                    '</text>',
                ))
            l_2_tick = missing
            t_4.append(
                '</svg>\n</div>\n',
            )
            return concat(t_4)
        context.exported_vars.add('frame')
        context.vars['frame'] = l_0_frame = Macro(environment, macro, 'frame', ('plot', 'id'), False, False, True, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_caller):
            t_5 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            pass
            t_5.extend((
                '<svg width="100%" height="',
                escape(environment.finalize(environment.getattr(l_1_plot, 'height'))),
                '" viewBox="0 0 1000 ',
                escape(environment.finalize(environment.getattr(l_1_plot, 'height'))),
                '" preserveAspectRatio="none">',
                escape(environment.finalize(context.call(l_1_caller))),
                '</svg>\n',
            ))
            return concat(t_5)
        context.exported_vars.add('stretched')
        context.vars['stretched'] = l_0_stretched = Macro(environment, macro, 'stretched', ('plot',), False, False, True, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id):
            t_6 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            def macro():
                t_7 = []
                l_2_radius = missing
                pass
                if environment.getattr(l_1_plot, 'window'):
                    pass
                    t_7.extend((
                        '<rect class="window" x="',
                        escape(environment.finalize(environment.getitem(environment.getattr(l_1_plot, 'window'), 0))),
                        '" width="',
                        escape(environment.finalize(environment.getitem(environment.getattr(l_1_plot, 'window'), 1))),
                        '" y="0" height="',
                        escape(environment.finalize(environment.getattr(l_1_plot, 'height'))),
                        '"/>',
                    ))
                def macro():
                    t_8 = []
                    pass
                    if environment.getattr(l_1_plot, 'band'):
                        pass
                        t_8.extend((
                            '<path class="band" d="',
                            escape(environment.finalize(environment.getattr(l_1_plot, 'band'))),
                            '"/>',
                        ))
                    t_8.extend((
                        '<path class="line" d="',
                        escape(environment.finalize(environment.getattr(l_1_plot, 'line'))),
                        '"/>',
                    ))
                    return concat(t_8)
                caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
                t_7.append(context.call((undefined(name='stretched') if l_0_stretched is missing else l_0_stretched), l_1_plot, caller=caller))
                if environment.getattr(l_1_plot, 'limit'):
                    pass
                    t_7.extend((
                        '<line class="limit" x1="0" x2="100%" y1="',
                        escape(environment.finalize(environment.getattr(environment.getattr(l_1_plot, 'limit'), 'at'))),
                        '" y2="',
                        escape(environment.finalize(environment.getattr(environment.getattr(l_1_plot, 'limit'), 'at'))),
                        '"><title>',
                        escape(environment.finalize(environment.getattr(environment.getattr(l_1_plot, 'limit'), 'label'))),
                        '</title></line>',
                    ))
                l_2_radius = ('4' if (t_1(environment.getattr(l_1_plot, 'dots')) < 32) else '2.8')
                for l_3_dot in environment.getattr(l_1_plot, 'dots'):
                    _loop_vars = {}
                    pass
                    t_7.extend((
                        '<circle class="',
                        escape(environment.finalize(('out' if environment.getattr(l_3_dot, 'is_out') else 'dot'))),
                        '" cx="',
                        escape(environment.finalize(environment.getattr(l_3_dot, 'x'))),
                        '" cy="',
                        escape(environment.finalize(environment.getattr(l_3_dot, 'y'))),
                        '" r="',
                        escape(environment.finalize(((undefined(name='radius') if l_2_radius is missing else l_2_radius) if environment.getattr(l_3_dot, 'is_out') else 2))),
                        '"><title>',
                        escape(environment.finalize(environment.getattr(l_3_dot, 'words'))),
                        '</title></circle>',
                    ))
                l_3_dot = missing
                return concat(t_7)
            caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
            t_6.append(context.call((undefined(name='frame') if l_0_frame is missing else l_0_frame), l_1_plot, l_1_id, caller=caller))
            return concat(t_6)
        context.exported_vars.add('timeline')
        context.vars['timeline'] = l_0_timeline = Macro(environment, macro, 'timeline', ('plot', 'id'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id):
            t_9 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            def macro():
                t_10 = []
                pass
                for l_3_bar in environment.getattr(l_1_plot, 'bars'):
                    _loop_vars = {}
                    pass
                    t_10.extend((
                        '<rect class="bar" x="',
                        escape(environment.finalize(environment.getattr(l_3_bar, 'x'))),
                        '" width="',
                        escape(environment.finalize(environment.getattr(l_3_bar, 'width'))),
                        '" y="',
                        escape(environment.finalize(environment.getattr(l_3_bar, 'y'))),
                        '" height="',
                        escape(environment.finalize(environment.getattr(l_3_bar, 'height'))),
                        '"><title>',
                        escape(environment.finalize(environment.getattr(l_3_bar, 'words'))),
                        '</title></rect>',
                    ))
                l_3_bar = missing
                l_3_loop = missing
                for l_3_mark, l_3_loop in LoopContext(environment.getattr(l_1_plot, 'marks'), undefined):
                    _loop_vars = {}
                    pass
                    t_10.extend((
                        '<line class="',
                        escape(environment.finalize(context.call(environment.getattr(l_3_loop, 'cycle'), 'limit', 'mark', _loop_vars=_loop_vars))),
                        '" x1="',
                        escape(environment.finalize(environment.getattr(l_3_mark, 'at'))),
                        '" x2="',
                        escape(environment.finalize(environment.getattr(l_3_mark, 'at'))),
                        '" y1="0" y2="',
                        escape(environment.finalize(environment.getattr(l_1_plot, 'height'))),
                        '"/>',
                    ))
                l_3_loop = l_3_mark = missing
                l_3_loop = missing
                for l_3_mark, l_3_loop in LoopContext(environment.getattr(l_1_plot, 'marks'), undefined):
                    _loop_vars = {}
                    pass
                    t_10.extend((
                        '<text class="',
                        escape(environment.finalize(context.call(environment.getattr(l_3_loop, 'cycle'), 'limit', 'mark', _loop_vars=_loop_vars))),
                        '-name" x="',
                        escape(environment.finalize(environment.getattr(l_3_mark, 'at'))),
                        '" y="',
                        escape(environment.finalize((10 + (14 * environment.getattr(l_3_loop, 'index0'))))),
                        '" dx="',
                        escape(environment.finalize((-4 if ((environment.getattr(l_3_mark, 'anchor') == 'end') or (environment.getattr(l_3_loop, 'first') and (environment.getattr(l_3_mark, 'anchor') == 'middle'))) else 4))),
                        '" text-anchor="',
                        escape(environment.finalize(('end' if ((environment.getattr(l_3_mark, 'anchor') == 'end') or (environment.getattr(l_3_loop, 'first') and (environment.getattr(l_3_mark, 'anchor') == 'middle'))) else 'start'))),
                        '">',
                        escape(environment.finalize(environment.getattr(l_3_mark, 'label'))),
                        '</text>',
                    ))
                l_3_loop = l_3_mark = missing
                return concat(t_10)
            caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
            t_9.append(context.call((undefined(name='frame') if l_0_frame is missing else l_0_frame), l_1_plot, l_1_id, caller=caller))
            return concat(t_9)
        context.exported_vars.add('latency')
        context.vars['latency'] = l_0_latency = Macro(environment, macro, 'latency', ('plot', 'id'), False, False, False, context.eval_ctx.autoescape)
        def macro():
            t_11 = []
            pass
            t_11.append(
                '<svg class="unseen" width="1" height="1" aria-hidden="true"><pattern id="dots" width="8" height="8" patternUnits="userSpaceOnUse"><rect class="s2" width="8" height="8"/><circle class="ink" cx="4" cy="4" r="1.3"/></pattern><pattern id="stripes" width="9" height="9" patternUnits="userSpaceOnUse"><rect class="s3" width="9" height="9"/><path class="ink" d="M0 9L9 0"/></pattern></svg>\n',
            )
            return concat(t_11)
        context.exported_vars.add('patterns')
        context.vars['patterns'] = l_0_patterns = Macro(environment, macro, 'patterns', (), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id):
            t_12 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            def macro():
                t_13 = []
                pass
                def macro():
                    t_14 = []
                    pass
                    for l_4_layer in environment.getattr(l_1_plot, 'layers'):
                        _loop_vars = {}
                        pass
                        t_14.extend((
                            '<path class="layer s',
                            escape(environment.finalize(environment.getattr(l_4_layer, 'pattern'))),
                            '" d="',
                            escape(environment.finalize(environment.getattr(l_4_layer, 'area'))),
                            '"/>',
                        ))
                    l_4_layer = missing
                    return concat(t_14)
                caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
                t_13.append(context.call((undefined(name='stretched') if l_0_stretched is missing else l_0_stretched), l_1_plot, caller=caller))
                def t_15(fiter):
                    for l_3_layer in fiter:
                        if environment.getattr(l_3_layer, 'label'):
                            yield l_3_layer
                for l_3_layer in t_15(environment.getattr(l_1_plot, 'layers')):
                    _loop_vars = {}
                    pass
                    t_13.extend((
                        '<text class="layer-name" x="',
                        escape(environment.finalize(environment.getitem(environment.getattr(l_3_layer, 'label'), 0))),
                        '" y="',
                        escape(environment.finalize(environment.getitem(environment.getattr(l_3_layer, 'label'), 1))),
                        '" text-anchor="middle">',
                        escape(environment.finalize(environment.getattr(l_3_layer, 'status'))),
                        '</text>',
                    ))
                l_3_layer = missing
                return concat(t_13)
            caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
            t_12.append(context.call((undefined(name='frame') if l_0_frame is missing else l_0_frame), l_1_plot, l_1_id, caller=caller))
            t_12.append(
                '<ul class="legend">',
            )
            for l_2_layer in t_2(environment.getattr(l_1_plot, 'layers')):
                _loop_vars = {}
                pass
                t_12.extend((
                    '<li><svg width="14" height="14" aria-hidden="true"><rect class="layer s',
                    escape(environment.finalize(environment.getattr(l_2_layer, 'pattern'))),
                    '" width="14" height="14"/></svg> ',
                    escape(environment.finalize(environment.getattr(l_2_layer, 'status'))),
                    ' <b>',
                    escape(environment.finalize(environment.getattr(l_2_layer, 'last'))),
                    '</b></li>',
                ))
            l_2_layer = missing
            t_12.append(
                '</ul>\n',
            )
            return concat(t_12)
        context.exported_vars.add('states')
        context.vars['states'] = l_0_states = Macro(environment, macro, 'states', ('plot', 'id'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id):
            t_16 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            def macro():
                t_17 = []
                pass
                for l_3_lane in environment.getattr(l_1_plot, 'lanes'):
                    _loop_vars = {}
                    pass
                    t_17.extend((
                        '<text class="lane" x="0" y="',
                        escape(environment.finalize(environment.getattr(l_3_lane, 'y'))),
                        '">',
                        escape(environment.finalize(environment.getattr(l_3_lane, 'name'))),
                        '</text>\n',
                    ))
                    for l_4_bar in environment.getattr(l_3_lane, 'bars'):
                        _loop_vars = {}
                        pass
                        t_17.extend((
                            '<rect class="span',
                            escape(environment.finalize((' held' if environment.getattr(l_4_bar, 'is_held') else ''))),
                            '" x="',
                            escape(environment.finalize(environment.getattr(l_4_bar, 'x'))),
                            '" width="',
                            escape(environment.finalize(environment.getattr(l_4_bar, 'width'))),
                            '" y="',
                            escape(environment.finalize(environment.getattr(l_4_bar, 'y'))),
                            '" height="',
                            escape(environment.finalize(environment.getattr(l_1_plot, 'bar_height'))),
                            '"><title>',
                            escape(environment.finalize(environment.getattr(l_4_bar, 'words'))),
                            '</title></rect>',
                        ))
                    l_4_bar = missing
                l_3_lane = missing
                return concat(t_17)
            caller = Macro(environment, macro, None, (), False, False, False, context.eval_ctx.autoescape)
            t_16.append(context.call((undefined(name='frame') if l_0_frame is missing else l_0_frame), l_1_plot, l_1_id, caller=caller))
            t_16.append(
                '<ul class="legend"><li><svg width="22" height="14" aria-hidden="true"><rect class="span" y="1" x="1" width="20" height="12"/></svg> held, and ended</li><li><svg width="22" height="14" aria-hidden="true"><rect class="span held" y="1" x="1" width="20" height="12"/></svg> still held</li></ul>\n',
            )
            return concat(t_16)
        context.exported_vars.add('lanes')
        context.vars['lanes'] = l_0_lanes = Macro(environment, macro, 'lanes', ('plot', 'id'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_plot, l_1_id):
            t_18 = []
            if l_1_plot is missing:
                l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
            if l_1_id is missing:
                l_1_id = undefined("parameter 'id' was not provided", name='id')
            pass
            t_18.extend((
                '<figure>\n<figcaption>',
                escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
                '</figcaption>\n',
            ))
            if (environment.getattr(l_1_plot, 'kind') == 'latency'):
                pass
                t_18.append(
                    escape(environment.finalize(context.call((undefined(name='latency') if l_0_latency is missing else l_0_latency), l_1_plot, l_1_id))),
                )
            elif (environment.getattr(l_1_plot, 'kind') == 'states'):
                pass
                t_18.append(
                    escape(environment.finalize(context.call((undefined(name='states') if l_0_states is missing else l_0_states), l_1_plot, l_1_id))),
                )
            else:
                pass
                t_18.append(
                    escape(environment.finalize(context.call((undefined(name='lanes') if l_0_lanes is missing else l_0_lanes), l_1_plot, l_1_id))),
                )
            t_18.extend((
                '<p class="said">',
                escape(environment.finalize(environment.getattr(l_1_plot, 'description'))),
                '</p>\n',
                escape(environment.finalize(context.call((undefined(name='table') if l_0_table is missing else l_0_table), l_1_plot))),
                '\n</figure>\n',
            ))
            return concat(t_18)
        context.exported_vars.add('figure')
        context.vars['figure'] = l_0_figure = Macro(environment, macro, 'figure', ('plot', 'id'), False, False, False, context.eval_ctx.autoescape)

    blocks = {}
    debug_info = '1=24&2=31&3=33&5=36&8=47&9=53&15=68&16=72&20=81&22=91&23=95&25=114&26=128&27=131&29=144&31=147&35=176&36=183&38=193&39=200&40=204&41=215&42=233&43=244&44=245&39=264&47=268&48=275&49=278&50=296&51=312&48=333&54=337&57=346&58=353&59=356&60=373&58=392&62=396&64=415&65=422&66=425&67=435&65=457&72=464&74=473&75=476&76=493&77=495'
    return locals()


def _template_4(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'rest.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_known = resolve('known')
        l_0_more_known = resolve('more_known')
        l_0_waived = resolve('waived')
        l_0_more_waived = resolve('more_waived')
        l_0_gone = resolve('gone')
        l_0_changes = resolve('changes')
        l_0_rules = resolve('rules')
        l_0_more_rules = resolve('more_rules')
        l_0_inputs = resolve('inputs')
        l_0_notes = resolve('notes')
        l_0_version = resolve('version')
        l_0_zone = resolve('zone')
        l_0_badge = l_0_findings = l_0_left_out = l_0_list = missing
        try:
            t_1 = environment.filters['length']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'length' found.")
        pass
        included_template = environment.get_template('words.html', 'rest.html')._get_default_module(context)
        l_0_badge = getattr(included_template, 'badge', missing)
        if l_0_badge is missing:
            l_0_badge = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'rest.html') does not export the requested name 'badge'", name='badge')
        l_0_findings = getattr(included_template, 'findings', missing)
        if l_0_findings is missing:
            l_0_findings = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'rest.html') does not export the requested name 'findings'", name='findings')
        l_0_left_out = getattr(included_template, 'left_out', missing)
        if l_0_left_out is missing:
            l_0_left_out = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'rest.html') does not export the requested name 'left_out'", name='left_out')
        l_0_list = getattr(included_template, 'list', missing)
        if l_0_list is missing:
            l_0_list = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'rest.html') does not export the requested name 'list'", name='list')
        context.vars.update({'badge': l_0_badge, 'findings': l_0_findings, 'left_out': l_0_left_out, 'list': l_0_list})
        context.exported_vars.difference_update(('badge', 'findings', 'left_out', 'list'))
        yield '<section aria-labelledby="rest">\n<h2 id="rest">The rest</h2>\n'
        if ((undefined(name='known') if l_0_known is missing else l_0_known) or (undefined(name='more_known') if l_0_more_known is missing else l_0_more_known)):
            pass
            yield '<details><summary>Known: '
            yield escape(environment.finalize((t_1((undefined(name='known') if l_0_known is missing else l_0_known)) + (undefined(name='more_known') if l_0_more_known is missing else l_0_more_known))))
            yield '</summary>\n'
            if (undefined(name='known') if l_0_known is missing else l_0_known):
                pass
                yield escape(environment.finalize(context.call((undefined(name='findings') if l_0_findings is missing else l_0_findings), (undefined(name='known') if l_0_known is missing else l_0_known), 'Known findings', 'Known')))
                yield '\n'
            yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), (undefined(name='more_known') if l_0_more_known is missing else l_0_more_known), 'known findings')))
            yield '\n</details>\n'
        if ((undefined(name='waived') if l_0_waived is missing else l_0_waived) or (undefined(name='more_waived') if l_0_more_waived is missing else l_0_more_waived)):
            pass
            yield '<details><summary>Waived: '
            yield escape(environment.finalize((t_1((undefined(name='waived') if l_0_waived is missing else l_0_waived)) + (undefined(name='more_waived') if l_0_more_waived is missing else l_0_more_waived))))
            yield '</summary>\n'
            if (undefined(name='waived') if l_0_waived is missing else l_0_waived):
                pass
                yield escape(environment.finalize(context.call((undefined(name='findings') if l_0_findings is missing else l_0_findings), (undefined(name='waived') if l_0_waived is missing else l_0_waived), 'Waived findings', 'Waived because')))
                yield '\n'
            yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), (undefined(name='more_waived') if l_0_more_waived is missing else l_0_more_waived), 'waived findings')))
            yield '\n</details>\n'
        if (environment.getattr((undefined(name='gone') if l_0_gone is missing else l_0_gone), 'shown') or environment.getattr((undefined(name='gone') if l_0_gone is missing else l_0_gone), 'more')):
            pass
            yield '<details><summary>Gone: '
            yield escape(environment.finalize((t_1(environment.getattr((undefined(name='gone') if l_0_gone is missing else l_0_gone), 'shown')) + environment.getattr((undefined(name='gone') if l_0_gone is missing else l_0_gone), 'more'))))
            yield '</summary>\n'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='gone') if l_0_gone is missing else l_0_gone), 'lines')))
            yield '\n</details>\n'
        if (environment.getattr((undefined(name='changes') if l_0_changes is missing else l_0_changes), 'shown') or environment.getattr((undefined(name='changes') if l_0_changes is missing else l_0_changes), 'more')):
            pass
            yield '<details><summary>Changed: '
            yield escape(environment.finalize((t_1(environment.getattr((undefined(name='changes') if l_0_changes is missing else l_0_changes), 'shown')) + environment.getattr((undefined(name='changes') if l_0_changes is missing else l_0_changes), 'more'))))
            yield '</summary>\n'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='changes') if l_0_changes is missing else l_0_changes), 'lines')))
            yield '\n</details>\n'
        yield '<details><summary>All rules: '
        yield escape(environment.finalize((t_1((undefined(name='rules') if l_0_rules is missing else l_0_rules)) + (undefined(name='more_rules') if l_0_more_rules is missing else l_0_more_rules))))
        yield '</summary>\n'
        if (undefined(name='rules') if l_0_rules is missing else l_0_rules):
            pass
            yield '<div class="scroll" tabindex="0" role="region" aria-label="All rules">\n<table class="rules">\n<thead><tr><th scope="col">Verdict</th><th scope="col">Rule</th><th scope="col">Result</th><th scope="col">Value</th><th scope="col">Limit</th><th scope="col">Samples</th><th scope="col">95 % interval</th></tr></thead>\n<tbody>\n'
            for (l_1_verdict, l_1_id, l_1_said, l_1_value, l_1_limit, l_1_samples, l_1_interval) in (undefined(name='rules') if l_0_rules is missing else l_0_rules):
                _loop_vars = {}
                pass
                yield '<tr><td>'
                yield escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), l_1_verdict, _loop_vars=_loop_vars)))
                yield '</td><td><code>'
                yield escape(environment.finalize(l_1_id))
                yield '</code></td><td>'
                yield escape(environment.finalize(l_1_said))
                yield '</td><td>'
                yield escape(environment.finalize(l_1_value))
                yield '</td><td>'
                yield escape(environment.finalize(l_1_limit))
                yield '</td><td>'
                yield escape(environment.finalize(l_1_samples))
                yield '</td><td>'
                yield escape(environment.finalize(l_1_interval))
                yield '</td></tr>\n'
            l_1_verdict = l_1_id = l_1_said = l_1_value = l_1_limit = l_1_samples = l_1_interval = missing
            yield '</tbody>\n</table>\n</div>\n'
        yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), (undefined(name='more_rules') if l_0_more_rules is missing else l_0_more_rules), 'rules')))
        yield '\n</details>\n'
        if environment.getattr((undefined(name='inputs') if l_0_inputs is missing else l_0_inputs), 'shown'):
            pass
            yield '<h3>Read</h3>\n'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='inputs') if l_0_inputs is missing else l_0_inputs), 'inputs')))
            yield '\n'
        if (environment.getattr((undefined(name='notes') if l_0_notes is missing else l_0_notes), 'shown') or environment.getattr((undefined(name='notes') if l_0_notes is missing else l_0_notes), 'more')):
            pass
            yield '<h3>Notes</h3>\n'
            yield escape(environment.finalize(context.call((undefined(name='list') if l_0_list is missing else l_0_list), (undefined(name='notes') if l_0_notes is missing else l_0_notes), 'notes')))
            yield '\n'
        yield '</section>\n</main>\n<footer><p>Made by ops-checks '
        yield escape(environment.finalize((undefined(name='version') if l_0_version is missing else l_0_version)))
        yield '. Times are of '
        yield escape(environment.finalize((undefined(name='zone') if l_0_zone is missing else l_0_zone)))
        yield '.</p></footer>'

    blocks = {}
    debug_info = '1=30&4=46&5=49&6=51&7=53&9=55&12=57&13=60&14=62&15=64&17=66&20=68&21=71&22=73&25=75&26=78&27=80&30=83&31=85&36=88&37=92&43=108&45=110&47=113&49=115&51=118&55=121'
    return locals()


def _template_5(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'sections.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_sections = resolve('sections')
        l_0_more_rules = resolve('more_rules')
        l_0_badge = l_0_commands = l_0_findings = l_0_left_out = missing
        try:
            t_1 = environment.filters['length']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'length' found.")
        pass
        included_template = environment.get_template('words.html', 'sections.html')._get_default_module(context)
        l_0_badge = getattr(included_template, 'badge', missing)
        if l_0_badge is missing:
            l_0_badge = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'sections.html') does not export the requested name 'badge'", name='badge')
        l_0_commands = getattr(included_template, 'commands', missing)
        if l_0_commands is missing:
            l_0_commands = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'sections.html') does not export the requested name 'commands'", name='commands')
        l_0_findings = getattr(included_template, 'findings', missing)
        if l_0_findings is missing:
            l_0_findings = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'sections.html') does not export the requested name 'findings'", name='findings')
        l_0_left_out = getattr(included_template, 'left_out', missing)
        if l_0_left_out is missing:
            l_0_left_out = undefined(f"the template {included_template.__name__!r} (imported on line 1 in 'sections.html') does not export the requested name 'left_out'", name='left_out')
        context.vars.update({'badge': l_0_badge, 'commands': l_0_commands, 'findings': l_0_findings, 'left_out': l_0_left_out})
        context.exported_vars.difference_update(('badge', 'commands', 'findings', 'left_out'))
        if ((undefined(name='sections') if l_0_sections is missing else l_0_sections) or (undefined(name='more_rules') if l_0_more_rules is missing else l_0_more_rules)):
            pass
            yield '<section aria-labelledby="todo">\n<h2 id="todo">Not met</h2>\n'
            for l_1_section in (undefined(name='sections') if l_0_sections is missing else l_0_sections):
                l_1_first = resolve('first')
                _loop_vars = {}
                pass
                yield '<article class="rule '
                yield escape(environment.finalize(environment.getattr(l_1_section, 'verdict')))
                yield '">\n<h3>'
                yield escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_1_section, 'verdict'), _loop_vars=_loop_vars)))
                yield ' '
                yield escape(environment.finalize(environment.getattr(l_1_section, 'title')))
                yield ' <code class="id">'
                yield escape(environment.finalize(environment.getattr(l_1_section, 'id')))
                yield '</code></h3>\n<p class="message">'
                yield escape(environment.finalize(environment.getattr(l_1_section, 'message')))
                if environment.getattr(l_1_section, 'effect'):
                    pass
                    yield ' <span class="effect">(counts as '
                    yield escape(environment.finalize(environment.getattr(l_1_section, 'effect')))
                    yield ')</span>'
                yield '</p>\n'
                if environment.getattr(l_1_section, 'numbers'):
                    pass
                    yield '<dl class="figures">'
                    for (l_2_word, l_2_text) in environment.getattr(l_1_section, 'numbers'):
                        _loop_vars = {}
                        pass
                        yield '<div><dt>'
                        yield escape(environment.finalize(l_2_word))
                        yield '</dt><dd>'
                        yield escape(environment.finalize(l_2_text))
                        yield '</dd></div>'
                    l_2_word = l_2_text = missing
                    yield '</dl>\n'
                if environment.getattr(l_1_section, 'rows'):
                    pass
                    yield escape(environment.finalize(context.call((undefined(name='findings') if l_0_findings is missing else l_0_findings), environment.getattr(l_1_section, 'rows')[:(undefined(name='first') if l_1_first is missing else l_1_first)], markup_join(('Findings of ', environment.getattr(l_1_section, 'id'), )), '', _loop_vars=_loop_vars)))
                    yield '\n'
                    if environment.getattr(l_1_section, 'rows')[(undefined(name='first') if l_1_first is missing else l_1_first):]:
                        pass
                        yield '<details><summary>'
                        yield escape(environment.finalize((t_1(environment.getattr(l_1_section, 'rows')) - (undefined(name='first') if l_1_first is missing else l_1_first))))
                        yield ' more</summary>\n'
                        yield escape(environment.finalize(context.call((undefined(name='findings') if l_0_findings is missing else l_0_findings), environment.getattr(l_1_section, 'rows')[(undefined(name='first') if l_1_first is missing else l_1_first):], markup_join(('More findings of ', environment.getattr(l_1_section, 'id'), )), '', _loop_vars=_loop_vars)))
                        yield '\n</details>\n'
                yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), environment.getattr(l_1_section, 'more'), 'findings', _loop_vars=_loop_vars)))
                yield '\n'
                if environment.getattr(l_1_section, 'help'):
                    pass
                    yield '<p class="help"><b>What to do:</b> '
                    yield escape(environment.finalize(context.call((undefined(name='commands') if l_0_commands is missing else l_0_commands), environment.getattr(l_1_section, 'help'), _loop_vars=_loop_vars)))
                    yield '</p>\n'
                yield '</article>\n'
            l_1_section = l_1_first = missing
            yield escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), (undefined(name='more_rules') if l_0_more_rules is missing else l_0_more_rules), 'rules')))
            yield '\n</section>\n'

    blocks = {}
    debug_info = '1=20&2=35&5=38&6=43&7=45&8=51&9=58&10=61&12=71&13=73&14=75&15=78&16=80&20=82&21=84&22=87&26=91'
    return locals()


def _template_6(environment):
    from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
    name = 'words.html'

    def root(context, missing=missing, environment=environment):
        resolve = context.resolve_or_missing
        undefined = environment.undefined
        concat = environment.concat
        cond_expr_undefined = Undefined
        if 0: yield None
        l_0_badge = l_0_commands = l_0_left_out = l_0_list = l_0_findings = missing
        try:
            t_1 = environment.filters['first']
        except KeyError:
            @internalcode
            def t_1(*unused):
                raise TemplateRuntimeError("No filter named 'first' found.")
        try:
            t_2 = environment.filters['pieces']
        except KeyError:
            @internalcode
            def t_2(*unused):
                raise TemplateRuntimeError("No filter named 'pieces' found.")
        try:
            t_3 = environment.filters['selectattr']
        except KeyError:
            @internalcode
            def t_3(*unused):
                raise TemplateRuntimeError("No filter named 'selectattr' found.")
        try:
            t_4 = environment.tests['defined']
        except KeyError:
            @internalcode
            def t_4(*unused):
                raise TemplateRuntimeError("No test named 'defined' found.")
        pass
        def macro(l_1_verdict):
            t_5 = []
            if l_1_verdict is missing:
                l_1_verdict = undefined("parameter 'verdict' was not provided", name='verdict')
            pass
            t_5.extend((
                '<span class="badge ',
                escape(environment.finalize(l_1_verdict)),
                '">',
                escape(environment.finalize(environment.getitem({'pass': '✓', 'insufficient': '?', 'warn': '!', 'fail': '✕', 'error': '✕'}, l_1_verdict))),
                ' ',
                escape(environment.finalize(l_1_verdict)),
                '</span>',
            ))
            return concat(t_5)
        context.exported_vars.add('badge')
        context.vars['badge'] = l_0_badge = Macro(environment, macro, 'badge', ('verdict',), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_text):
            t_6 = []
            if l_1_text is missing:
                l_1_text = undefined("parameter 'text' was not provided", name='text')
            pass
            l_2_loop = missing
            for l_2_piece, l_2_loop in LoopContext(t_2(l_1_text), undefined):
                _loop_vars = {}
                pass
                if (environment.getattr(l_2_loop, 'index0') % 2):
                    pass
                    t_6.extend((
                        '<code class="command">',
                        escape(environment.finalize(l_2_piece)),
                        '</code>',
                    ))
                else:
                    pass
                    t_6.append(
                        escape(environment.finalize(l_2_piece)),
                    )
            l_2_loop = l_2_piece = missing
            return concat(t_6)
        context.exported_vars.add('commands')
        context.vars['commands'] = l_0_commands = Macro(environment, macro, 'commands', ('text',), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_count, l_1_what):
            t_7 = []
            if l_1_count is missing:
                l_1_count = undefined("parameter 'count' was not provided", name='count')
            if l_1_what is missing:
                l_1_what = undefined("parameter 'what' was not provided", name='what')
            pass
            if l_1_count:
                pass
                t_7.extend((
                    '<p class="more">And ',
                    escape(environment.finalize(l_1_count)),
                    ' more ',
                    escape(environment.finalize(l_1_what)),
                    ', not listed here: see the whole report (<code>-f json</code>).</p>\n',
                ))
            return concat(t_7)
        context.exported_vars.add('left_out')
        context.vars['left_out'] = l_0_left_out = Macro(environment, macro, 'left_out', ('count', 'what'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_lines, l_1_what):
            t_8 = []
            if l_1_lines is missing:
                l_1_lines = undefined("parameter 'lines' was not provided", name='lines')
            if l_1_what is missing:
                l_1_what = undefined("parameter 'what' was not provided", name='what')
            pass
            t_8.append(
                '<ul class="lines">\n',
            )
            for l_2_line in environment.getattr(l_1_lines, 'shown'):
                _loop_vars = {}
                pass
                t_8.extend((
                    '<li>',
                    escape(environment.finalize(context.call((undefined(name='commands') if l_0_commands is missing else l_0_commands), l_2_line, _loop_vars=_loop_vars))),
                    '</li>\n',
                ))
            l_2_line = missing
            t_8.extend((
                '</ul>\n',
                escape(environment.finalize(context.call((undefined(name='left_out') if l_0_left_out is missing else l_0_left_out), environment.getattr(l_1_lines, 'more'), l_1_what))),
                '\n',
            ))
            return concat(t_8)
        context.exported_vars.add('list')
        context.vars['list'] = l_0_list = Macro(environment, macro, 'list', ('lines', 'what'), False, False, False, context.eval_ctx.autoescape)
        def macro(l_1_rows, l_1_name, l_1_head):
            t_9 = []
            l_1_named = l_1_placed = missing
            if l_1_rows is missing:
                l_1_rows = undefined("parameter 'rows' was not provided", name='rows')
            if l_1_name is missing:
                l_1_name = undefined("parameter 'name' was not provided", name='name')
            if l_1_head is missing:
                l_1_head = undefined("parameter 'head' was not provided", name='head')
            pass
            l_1_named = t_4(t_1(environment, t_3(context, l_1_rows, 'task')))
            l_1_placed = t_4(t_1(environment, t_3(context, l_1_rows, 'where')))
            t_9.extend((
                '<table class="findings">\n<caption class="unseen">',
                escape(environment.finalize(l_1_name)),
                '</caption>\n<thead><tr><th scope="col" class="i">Item</th>',
            ))
            if (undefined(name='named') if l_1_named is missing else l_1_named):
                pass
                t_9.append(
                    '<th scope="col" class="t">Task</th><th scope="col" class="o">Owner</th>',
                )
            t_9.append(
                '<th scope="col">What is out</th>',
            )
            if (undefined(name='placed') if l_1_placed is missing else l_1_placed):
                pass
                t_9.append(
                    '<th scope="col" class="w">Where</th>',
                )
            if l_1_head:
                pass
                t_9.extend((
                    '<th scope="col" class="r">',
                    escape(environment.finalize(l_1_head)),
                    '</th>',
                ))
            t_9.append(
                '</tr></thead>\n<tbody>\n',
            )
            for l_2_row in l_1_rows:
                _loop_vars = {}
                pass
                t_9.append(
                    '<tr><td>',
                )
                if environment.getattr(l_2_row, 'item'):
                    pass
                    t_9.extend((
                        '<code>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'item'))),
                        '</code>',
                    ))
                if environment.getattr(l_2_row, 'priority'):
                    pass
                    t_9.extend((
                        ' <span class="priority">',
                        escape(environment.finalize(environment.getattr(l_2_row, 'priority'))),
                        '</span>',
                    ))
                t_9.append(
                    '</td>',
                )
                if (undefined(name='named') if l_1_named is missing else l_1_named):
                    pass
                    t_9.extend((
                        '<td>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'task'))),
                        '</td><td class="o">',
                        escape(environment.finalize(environment.getattr(l_2_row, 'owner'))),
                        '</td>',
                    ))
                t_9.append(
                    '<td>',
                )
                if environment.getattr(l_2_row, 'rule'):
                    pass
                    t_9.extend((
                        '<span class="of">',
                        escape(environment.finalize(environment.getattr(l_2_row, 'rule'))),
                        '</span> ',
                    ))
                if environment.getattr(l_2_row, 'field'):
                    pass
                    t_9.extend((
                        escape(environment.finalize(environment.getattr(l_2_row, 'field'))),
                        ': <span class="side">Markdown</span> <code>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'markdown'))),
                        '</code> <span class="side">database</span> <code>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'database'))),
                        '</code> ',
                    ))
                if environment.getattr(l_2_row, 'value'):
                    pass
                    t_9.extend((
                        '<b>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'value'))),
                        '</b> ',
                    ))
                t_9.extend((
                    escape(environment.finalize(environment.getattr(l_2_row, 'text'))),
                    '</td>',
                ))
                if (undefined(name='placed') if l_1_placed is missing else l_1_placed):
                    pass
                    t_9.extend((
                        '<td class="w">',
                        escape(environment.finalize(environment.getattr(l_2_row, 'where'))),
                        '</td>',
                    ))
                if l_1_head:
                    pass
                    t_9.extend((
                        '<td>',
                        escape(environment.finalize(environment.getattr(l_2_row, 'remark'))),
                        '</td>',
                    ))
                t_9.append(
                    '</tr>\n',
                )
            l_2_row = missing
            t_9.append(
                '</tbody>\n</table>\n',
            )
            return concat(t_9)
        context.exported_vars.add('findings')
        context.vars['findings'] = l_0_findings = Macro(environment, macro, 'findings', ('rows', 'name', 'head'), False, False, False, context.eval_ctx.autoescape)

    blocks = {}
    debug_info = '1=36&2=43&4=53&5=59&7=78&8=85&9=89&12=97&14=107&15=112&18=118&20=124&21=134&22=135&24=138&25=141&27=164&28=170&29=187&30=206&31=216&32=227'
    return locals()


#: What makes the names of a template's module, by the template's name.
TEMPLATES: dict[str, Callable[[Environment], dict[str, Any]]] = {
    'behind.html': _template_0,
    'head.html': _template_1,
    'page.html': _template_2,
    'plots.html': _template_3,
    'rest.html': _template_4,
    'sections.html': _template_5,
    'words.html': _template_6,
}
