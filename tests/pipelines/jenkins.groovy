// Runs a declarative Jenkinsfile as far as Jenkins' own steps are played here: `sh` runs for real, in the folder and
// with the environment of this process. Arguments: the file, and `true` where the build is one of a change request.
// The last line says the build's result, what JUnit read and what was archived, and whether an agent was asked for.
class Build {
    boolean changeRequest
    String result = 'SUCCESS', label = '', schedule = ''
    Map<String, String> environ = [:]
    List<String> kept = []
    boolean asked, negated

    int sh(String script, boolean returnStatus) {
        def builder = new ProcessBuilder('sh', '-xe', '-c', script).redirectErrorStream(true)
        builder.environment().putAll(environ)
        def process = builder.start()
        process.inputStream.eachLine { println it }
        int code = process.waitFor()
        if (code && !returnStatus) throw new Failure("script returned exit code ${code}")
        code
    }
}

class Failure extends RuntimeException { Failure(String why) { super(why) } }

class Names {
    Build build
    void setProperty(String name, Object value) { build.environ[name] = value.toString() }
}

abstract class Jenkins extends Script {
    static Build build

    private void inside(Object delegate, Closure block) {
        block.delegate = delegate
        block.resolveStrategy = Closure.DELEGATE_FIRST
        block()
    }

    void pipeline(Closure block) { block() }
    Map<String, String> getEnv() { System.getenv() }
    void triggers(Closure block) { block() }
    void cron(String times) { build.schedule = times }
    void agent(String any) { assert any in ['any', 'none'] }
    void agent(Closure block) { block() }
    void label(String name) { build.label = name }
    String getAny() { 'any' }
    String getNone() { 'none' }
    void environment(Closure block) { inside(new Names(build: build), block) }
    void stages(Closure block) { block() }
    void changeRequest() { build.asked = build.changeRequest }
    void not(Closure block) { block(); build.asked = !build.asked }
    void when(Closure block) { block() }
    void steps(Closure block) {
        try { block() } catch (Failure error) { println "ERROR: ${error.message}"; build.result = 'FAILURE' }
    }
    void post(Closure block) { block() }
    void always(Closure block) { block() }
    void stage(String name, Closure block) {
        // The condition is asked before anything else of the stage: the other parts do nothing where it does not hold.
        def stage = new Stage(jenkins: this)
        block.delegate = stage
        block.resolveStrategy = Closure.DELEGATE_FIRST
        block()
        if (stage.holds()) stage.parts.each { part -> this."${part[0]}"(part[1]) }
    }

    Object sh(Map given) { build.sh(given.script, given.returnStatus ?: false) }
    void sh(String script) { build.sh(script, false) }
    void unstable(String why) { println "WARNING: ${why}"; if (build.result == 'SUCCESS') build.result = 'UNSTABLE' }
    void error(String why) { throw new Failure(why) }
    void junit(Map given) { keep('junit', given.testResults, given.allowEmptyResults) }
    void archiveArtifacts(Map given) { keep('archived', given.artifacts, given.allowEmptyArchive) }
    private void keep(String how, String names, boolean empty) {
        def there = names.split(', ').findAll { new File(it).file }
        assert there || empty
        build.kept << "${how}=${there.join('+')}".toString()
    }
}

class Stage {
    Jenkins jenkins
    Closure condition
    List parts = []
    void when(Closure block) { condition = block }
    void agent(Object any) { parts << ['agent', any] }
    void steps(Closure block) { parts << ['steps', block] }
    void post(Closure block) { parts << ['post', block] }
    boolean holds() {
        if (!condition) return true
        condition()
        Jenkins.build.asked
    }
}

Jenkins.build = new Build(changeRequest: args[1] == 'true')
def settings = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: Jenkins.name)
new GroovyShell(this.class.classLoader, new Binding(), settings).evaluate(new File(args[0]))
println "schedule=${Jenkins.build.schedule}"
println "${Jenkins.build.result} ${Jenkins.build.kept.join(' ')} label=${Jenkins.build.label}"
